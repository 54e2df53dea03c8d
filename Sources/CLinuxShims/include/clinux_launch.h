// Starting a program with exactly the given descriptors (see launch.c): posix_spawn(3) extensions that glibc
// shows only with _GNU_SOURCE, which Swift's Glibc module is built without.
#pragma once
#include <sys/types.h>

// descriptors[i] becomes descriptor i of the new program, everything else is closed; signals are as a shell
// starts a program. The descriptors must not be below count. Answers the process id, or -1 with errno.
//
// With a terminal's path, the program gets that terminal as descriptors 0, 1 and 2 and as its controlling
// terminal; then new_session must be true and count 0.
pid_t clinux_start_program(
    const char *path, char *const *arguments, const int *descriptors, int count, int new_session,
    const char *terminal);
// A pipe whose ends are closed on exec.
int clinux_pipe(int ends[2]);

// The program's own arguments where the kernel put them, which is what a process list shows; ends with NULL.
char **clinux_arguments(void);
