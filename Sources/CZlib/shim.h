// zlib: raw deflate streams with a preset history.
#pragma once
#include <zlib.h>
