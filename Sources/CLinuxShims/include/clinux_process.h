// Processes and ptrace (see process.c).
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ptrace(2) is variadic in glibc, and its PEEK requests answer through the return value; this is the
// kernel's own call: -1 and errno, answers through `data`.
long clinux_ptrace(long request, pid_t thread, uintptr_t address, uintptr_t data);

// PTRACE_GETREGSET and PTRACE_SETREGSET. Answer how many bytes were transferred, or -1 and errno.
ssize_t clinux_get_register_set(pid_t thread, unsigned type, void *buffer, size_t length);
ssize_t clinux_set_register_set(pid_t thread, unsigned type, const void *buffer, size_t length);

// kcmp(2) for the memory of two processes: 0 when it is the same, above 0 when it is not, -1 and errno.
int clinux_compare_memory(pid_t first, pid_t second);

// waitpid(2); glibc's constants __WALL and __WNOTHREAD are outside what Swift imports.
pid_t clinux_wait_tracees(pid_t which, int *status, int blocks);

// signalfd(2) for SIGCHLD, which is blocked in the calling thread. Answers the descriptor or -1.
int clinux_child_signal_descriptor(void);

// tgkill(2) and rt_tgsigqueueinfo(2), which glibc 2.36 has no or no usable wrapper for.
int clinux_signal_thread(pid_t process, pid_t thread, int signal);
int clinux_queue_signal(pid_t process, pid_t thread, int signal, const void *siginfo);

// Between fork and exec only async-signal-safe calls are allowed, so this part is C.
struct clinux_launch {
    const char *program;            // the path given to execve
    char *const *arguments;         // argv, ended by NULL
    char *const *environment;       // envp, ended by NULL
    const char *working_directory;  // or NULL
    int disables_randomization;
    int standard_input;             // a descriptor to become 0, or -1
    const char *terminal;           // the path of a terminal of its own for 0, 1 and 2, or NULL
    const char *streams[3];         // paths of files to become 0, 1 and 2 instead, or NULL
    int new_session;                // setsid(2) instead of a process group of its own; implied by a terminal
};

// What the child was doing when it failed.
enum clinux_launch_stage {
    CLINUX_LAUNCH_SETUP = 1,
    CLINUX_LAUNCH_DIRECTORY = 2,
    CLINUX_LAUNCH_EXEC = 3,
};

struct clinux_launch_failure {
    int stage;
    int error_number;
};

// Forks a child that waits in its own process group until `clinux_release_child`. Answers its id or -1.
// `release` is to be written to, `report` is readable at its end (exec succeeded) or has a
// `clinux_launch_failure`.
pid_t clinux_fork_child(const struct clinux_launch *launch, int *release, int *report);

// process_vm_readv(2), which glibc declares only with _GNU_SOURCE. Answers the bytes read, or -1.
ssize_t clinux_read_memory(pid_t process, uintptr_t address, void *buffer, size_t length);

// CPUID of the machine this runs on; zeros where there is none.
void clinux_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]);

// offsetof(struct user, u_debugreg) where the architecture has it, else 0.
uintptr_t clinux_debug_register_offset(void);

// gettid(2), which glibc declares only with _GNU_SOURCE.
pid_t clinux_own_thread(void);

// open(2), whose mode is variadic.
int clinux_open(const char *path, int flags, unsigned mode);
