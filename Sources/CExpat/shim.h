// Expat: XML of target descriptions, thread lists and library lists.
#pragma once
#include <expat.h>
