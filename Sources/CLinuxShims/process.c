#define _GNU_SOURCE
#include "clinux_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

long clinux_ptrace(long request, pid_t thread, uintptr_t address, uintptr_t data) {
    return syscall(SYS_ptrace, request, (long)thread, address, data);
}

ssize_t clinux_get_register_set(pid_t thread, unsigned type, void *buffer, size_t length) {
    struct iovec part = {buffer, length};
    if (clinux_ptrace(PTRACE_GETREGSET, thread, type, (uintptr_t)&part) < 0) return -1;
    return (ssize_t)part.iov_len;
}

ssize_t clinux_set_register_set(pid_t thread, unsigned type, const void *buffer, size_t length) {
    struct iovec part = {(void *)buffer, length};
    if (clinux_ptrace(PTRACE_SETREGSET, thread, type, (uintptr_t)&part) < 0) return -1;
    return (ssize_t)part.iov_len;
}

int clinux_compare_memory(pid_t first, pid_t second) {
    // KCMP_VM; the order of addresses that other answers tell is of no use.
    long answer = syscall(SYS_kcmp, first, second, 1, 0, 0);
    return answer < 0 ? -1 : answer == 0 ? 0 : 1;
}

pid_t clinux_wait_tracees(pid_t which, int *status, int blocks) {
    return waitpid(which, status, __WALL | __WNOTHREAD | (blocks ? 0 : WNOHANG));
}

int clinux_child_signal_descriptor(void) {
    // Where SIGCHLD is ignored (a disposition that exec hands down), the kernel does not send it at all.
    struct sigaction present;
    if (sigaction(SIGCHLD, NULL, &present) == 0 && present.sa_handler == SIG_IGN) {
        present.sa_handler = SIG_DFL;
        sigaction(SIGCHLD, &present, NULL);
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    int failure = pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clinux_signal_thread(pid_t process, pid_t thread, int signal) {
    return (int)syscall(SYS_tgkill, process, thread, signal);
}

int clinux_queue_signal(pid_t process, pid_t thread, int signal, const void *siginfo) {
    return (int)syscall(SYS_rt_tgsigqueueinfo, process, thread, signal, siginfo);
}

static void fail(int report, enum clinux_launch_stage stage) {
    struct clinux_launch_failure failure = {stage, errno};
    ssize_t written = write(report, &failure, sizeof failure);
    (void)written;
    _exit(127);
}

// The server's own signal handling (SIGPIPE ignored, SIGCHLD blocked) is not the program's.
static void restore_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// The first terminal that a session's leader opens is its controlling one.
static int open_streams(const struct clinux_launch *launch) {
    if (launch->terminal) {
        int terminal = open(launch->terminal, O_RDWR);
        if (terminal < 0) return -1;
        for (int number = 0; number < 3; number++)
            if (dup2(terminal, number) < 0) return -1;
        if (terminal > 2) close(terminal);
    }
    for (int number = 0; number < 3; number++) {
        if (!launch->streams[number]) continue;
        int flags = number == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
        int file = open(launch->streams[number], flags | O_NOCTTY, 0644);
        if (file < 0 || dup2(file, number) < 0) return -1;
        if (file > 2) close(file);
    }
    return 0;
}

static void run_child(const struct clinux_launch *launch, int release, int report) {
    restore_signals();
    int starts_session = launch->new_session || launch->terminal;
    if ((starts_session ? setsid() : setpgid(0, 0)) < 0) fail(report, CLINUX_LAUNCH_SETUP);
    // The right to trace others (CAP_SYS_PTRACE as an ambient capability) is the server's, not the program's.
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    char go;
    ssize_t taken;
    do {
        taken = read(release, &go, 1);
    } while (taken < 0 && errno == EINTR);
    if (taken != 1) _exit(127);
    if (launch->disables_randomization) {
        int old = personality(0xffffffff);
        if (old >= 0) personality((unsigned long)old | ADDR_NO_RANDOMIZE);
    }
    if (launch->standard_input >= 0 && dup2(launch->standard_input, 0) < 0)
        fail(report, CLINUX_LAUNCH_SETUP);
    if (open_streams(launch) < 0) fail(report, CLINUX_LAUNCH_SETUP);
    if (dup3(report, 3, O_CLOEXEC) < 0 && report != 3) fail(report, CLINUX_LAUNCH_SETUP);
    close_range(4, ~0u, 0);
    if (launch->working_directory && chdir(launch->working_directory) < 0)
        fail(3, CLINUX_LAUNCH_DIRECTORY);
    execve(launch->program, launch->arguments, launch->environment);
    fail(3, CLINUX_LAUNCH_EXEC);
}

pid_t clinux_fork_child(const struct clinux_launch *launch, int *release, int *report) {
    int go[2], outcome[2];
    if (pipe2(go, O_CLOEXEC) < 0) return -1;
    if (pipe2(outcome, O_CLOEXEC) < 0) {
        int reason = errno;
        close(go[0]);
        close(go[1]);
        errno = reason;
        return -1;
    }
    // No handler of the server may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0) {
        close(go[1]);
        close(outcome[0]);
        run_child(launch, go[0], outcome[1]);
    }
    int reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(go[0]);
    close(outcome[1]);
    if (child < 0) {
        close(go[1]);
        close(outcome[0]);
        errno = reason;
        return -1;
    }
    *release = go[1];
    *report = outcome[0];
    return child;
}

ssize_t clinux_read_memory(pid_t process, uintptr_t address, void *buffer, size_t length) {
    struct iovec local = {buffer, length};
    struct iovec remote = {(void *)address, length};
    return process_vm_readv(process, &local, 1, &remote, 1, 0);
}

void clinux_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]) {
    for (int index = 0; index < 4; index++) registers[index] = 0;
#if defined(__x86_64__) || defined(__i386__)
    __get_cpuid_count(leaf, subleaf, &registers[0], &registers[1], &registers[2], &registers[3]);
#endif
}

uintptr_t clinux_debug_register_offset(void) {
#if defined(__x86_64__)
    return offsetof(struct user, u_debugreg);
#else
    return 0;
#endif
}

pid_t clinux_own_thread(void) {
    return gettid();
}

int clinux_open(const char *path, int flags, unsigned mode) {
    return open(path, flags | O_CLOEXEC, (mode_t)mode);
}
