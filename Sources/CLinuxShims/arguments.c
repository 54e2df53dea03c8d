#include "clinux_launch.h"

static char **words;

// glibc calls constructors with main's arguments.
__attribute__((constructor)) static void keep_arguments(int count, char **arguments) {
    (void)count;
    words = arguments;
}

char **clinux_arguments(void) { return words; }
