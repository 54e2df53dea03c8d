// Capstone: disassembly.
#pragma once
#include <capstone/capstone.h>
