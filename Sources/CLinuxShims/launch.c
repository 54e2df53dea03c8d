#define _GNU_SOURCE
#include "clinux_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static void default_signals(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

pid_t clinux_start_program(
    const char *path, char *const *arguments, const int *descriptors, int count, int new_session,
    const char *terminal) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int target = 0; target < count; target++)
        posix_spawn_file_actions_adddup2(&actions, descriptors[target], target);
    if (terminal) {
        // A session's leader that has no terminal gets the first that it opens; setsid comes before these actions.
        posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0);
        posix_spawn_file_actions_adddup2(&actions, 0, 1);
        posix_spawn_file_actions_adddup2(&actions, 0, 2);
        count = 3;
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, count);
    default_signals(&attributes);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (new_session) flags |= POSIX_SPAWN_SETSID;
    posix_spawnattr_setflags(&attributes, flags);
    pid_t process = -1;
    int failure = posix_spawn(&process, path, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    errno = failure;
    return failure == 0 ? process : -1;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
