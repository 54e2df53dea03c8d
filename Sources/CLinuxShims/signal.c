#include "clinux_signal.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

int clinux_open_signalfd(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int index = 0; index < count; index++) {
        // What our starter had us ignore (nohup, a shell's `&`) stays ignored. SIGCHLD must be heard.
        struct sigaction before;
        sigaction(signals[index], NULL, &before);
        if (signals[index] == SIGCHLD)
            signal(SIGCHLD, SIG_DFL);
        else if (before.sa_handler == SIG_IGN)
            continue;
        sigaddset(&set, signals[index]);
    }
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clinux_take_signal(int descriptor) {
    struct signalfd_siginfo info;
    return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

int clinux_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }
