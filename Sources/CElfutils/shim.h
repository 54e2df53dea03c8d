// elfutils libdw: ELF, DWARF, unwinding and core files.
#pragma once
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

// The C++ runtime's demangler (Itanium C++ ABI 3.4; its header is C++) and the Swift runtime's. Both
// return a malloc'd string, or NULL for a name that is not mangled their way.
char *__cxa_demangle(const char *mangled, char *buffer, size_t *length, int *status);
char *swift_demangle(const char *mangled, size_t mangled_length, char *buffer, size_t *length,
                     uint32_t flags);
