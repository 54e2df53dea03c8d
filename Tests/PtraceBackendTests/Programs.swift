// tidy: table
import Foundation

/// The C programs the tests debug. Each is compiled once per test run into a folder of its own.
enum Programs {
    static let folder: String = {
        var template = Array("/tmp/ptrace-tests.XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary folder")
        let path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        atexit_b_remove(path)
        return path
    }()

    /// The path of the compiled program.
    static func path(_ name: String) throws -> String {
        try Compiler.shared.compile(name, sources[name] ?? "")
    }

    /// Common to all: a counter in shared memory (argv's first word is its file) that shows a program's
    /// progress without asking the kernel for anything.
    private static let common = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <sched.h>
        #include <signal.h>
        #include <stdatomic.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <sys/wait.h>
        #include <time.h>
        #include <unistd.h>
        #include <linux/futex.h>
        static atomic_long *progress;
        static void share(const char *path) {
            // The threads of the test runner block signals, and their children inherit that.
            sigset_t none;
            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, 0);
            // Whatever becomes of the test, nothing is left behind for long.
            alarm(3000);
            int file = open(path, O_RDWR);
            progress = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            close(file);
        }
        static void nap(long us) {
            struct timespec t = {us / 1000000, us % 1000000 * 1000};
            while (nanosleep(&t, &t) < 0 && errno == EINTR) {}
        }

        """

    private static let sources: [String: String] = [
        // A function called a known number of times by a known number of threads.
        "hits": common + """
            __attribute__((noinline)) void target(void) { atomic_fetch_add(progress, 1); }
            static void *work(void *rounds) {
                for (long i = 0; i < (long)rounds; i++) target();
                return 0;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                int threads = atoi(argv[2]);
                long rounds = atol(argv[3]);
                pthread_t ids[64];
                for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, work, (void *)rounds);
                for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
                return *progress == threads * rounds ? 42 : 1;
            }
            """,
        // Runs for ever in several threads.
        "loop": common + """
            volatile long watched;
            struct { char before; uint64_t value; char after; } __attribute__((packed)) odd;
            __attribute__((noinline)) long leaf(long n) { watched = n; return n * 2 + 1; }
            __attribute__((noinline)) long middle(long n) { long r = leaf(n); return r + leaf(r); }
            static void *spin(void *unused) {
                for (;;) { atomic_fetch_add(progress, 1); nap(500); }
                return unused;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_t id;
                for (int i = atoi(argv[2]); i > 1; i--) pthread_create(&id, 0, spin, 0);
                for (long n = 0;; n++) {
                    middle(n);
                    odd.value = n;
                    atomic_fetch_add(progress, 1);
                    nap(500);
                }
            }
            """,
        // Two threads with a counter each.
        "hits-forever": common + """
            static void *second(void *unused) {
                for (;;) { atomic_fetch_add(progress + 1, 1); nap(500); }
                return unused;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_t id;
                pthread_create(&id, 0, second, 0);
                for (;;) { atomic_fetch_add(progress, 1); nap(500); }
            }
            """,
        // Threads that are born and die all the time.
        "churn": common + """
            static void *brief(void *unused) { atomic_fetch_add(progress, 1); return unused; }
            static void *maker(void *unused) {
                for (;;) {
                    pthread_t ids[4];
                    for (int i = 0; i < 4; i++) pthread_create(&ids[i], 0, brief, 0);
                    for (int i = 0; i < 4; i++) pthread_join(ids[i], 0);
                    nap(100);
                }
                return unused;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_t id;
                for (int i = 0; i < 3; i++) pthread_create(&id, 0, maker, 0);
                maker(0);
            }
            """,
        // Forks (or vforks) children that run through the same function as the parent.
        "fork": common + """
            __attribute__((noinline)) void target(void) { atomic_fetch_add(progress, 1); }
            int main(int argc, char **argv) {
                share(argv[1]);
                int uses_vfork = atoi(argv[2]);
                target();
                for (int i = 0; i < 3; i++) {
                    pid_t child = uses_vfork ? vfork() : fork();
                    if (child == 0) {
                        target();
                        if (!uses_vfork) exit(i);
                        execl("/bin/true", "true", (char *)0);
                        _exit(99);
                    }
                    int status;
                    waitpid(child, &status, 0);
                    if (!WIFEXITED(status)) return 90;
                    if (WEXITSTATUS(status) != (uses_vfork ? 0 : i)) return 91;
                    target();
                }
                return 33;
            }
            """,
        // Threads that are born all the time beside one that spawns programs (CLONE_VFORK).
        "spawner": common + """
            #include <spawn.h>
            extern char **environ;
            __attribute__((noinline)) void never(void) {}
            static void *brief(void *unused) { return unused; }
            static void *maker(void *unused) {
                for (;;) {
                    pthread_t ids[4];
                    for (int i = 0; i < 4; i++) pthread_create(&ids[i], 0, brief, 0);
                    for (int i = 0; i < 4; i++) pthread_join(ids[i], 0);
                    atomic_fetch_add(progress, 1);
                }
                return unused;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_t id;
                for (int i = 0; i < 2; i++) pthread_create(&id, 0, maker, 0);
                char *words[] = {"true", 0};
                for (;;) {
                    pid_t child;
                    if (posix_spawn(&child, "/bin/true", 0, 0, words, environ) == 0)
                        waitpid(child, 0, 0);
                    atomic_fetch_add(progress + 1, 1);
                }
            }
            """,
        // Two threads that wait for vfork children most of the time, while threads that are born beside
        // them call a function a known number of times.
        "vfork-hits": common + """
            static atomic_int done;
            __attribute__((noinline)) void target(void) { atomic_fetch_add(progress, 1); }
            static void *call(void *unused) { target(); return unused; }
            static void *vforks(void *unused) {
                while (!done) {
                    pid_t child = vfork();
                    if (child == 0) { nap(2000); _exit(0); }
                    waitpid(child, 0, 0);
                }
                return unused;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_t forking[2], id;
                for (int i = 0; i < 2; i++) pthread_create(&forking[i], 0, vforks, 0);
                for (int i = atoi(argv[2]); i > 0; i--) {
                    pthread_create(&id, 0, call, 0);
                    pthread_join(id, 0);
                }
                done = 1;
                for (int i = 0; i < 2; i++) pthread_join(forking[i], 0);
                return 42;
            }
            """,
        // Waits for its vfork child until the test says so, or for 20 seconds.
        "vfork-wait": common + """
            int main(int argc, char **argv) {
                share(argv[1]);
                if (vfork() == 0) {
                    for (int i = 0; i < 20000 && !atomic_load(progress + 1); i++) {
                        atomic_fetch_add(progress, 1);
                        nap(1000);
                    }
                    _exit(0);
                }
                for (;;) { atomic_fetch_add(progress, 1); nap(500); }
            }
            """,
        // Raises a signal in several threads all the time, with a handler for it.
        "raising": common + """
            static void count(int unused) { atomic_fetch_add(progress, 1); }
            static void *work(void *unused) {
                for (;;) { raise(SIGUSR1); nap(100); }
                return unused;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                signal(SIGUSR1, count);
                pthread_t id;
                for (int i = 0; i < 5; i++) pthread_create(&id, 0, work, 0);
                work(0);
            }
            """,
        // A thread forks; the child's leader ends before the child's other thread.
        "fork-leaderless": common + """
            static void *last(void *unused) {
                for (;;) { atomic_fetch_add(progress, 1); nap(500); }
                return unused;
            }
            static void *forks(void *unused) {
                if (fork() == 0) {
                    pthread_t id;
                    pthread_create(&id, 0, last, 0);
                    syscall(SYS_exit, 0);
                }
                for (;;) nap(1000);
                return unused;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_t id;
                pthread_create(&id, 0, forks, 0);
                for (;;) nap(1000);
            }
            """,
        // A thread other than the leader executes another program.
        "exec": common + """
            static void *run(void *path) {
                execl(path, path, "-c", "exit 5", (char *)0);
                return 0;
            }
            int main(int argc, char **argv) {
                pthread_t id;
                pthread_create(&id, 0, run, argv[1]);
                pthread_join(id, 0);
                return 1;
            }
            """,
        // The leader ends before its thread.
        "leaderless": common + """
            static void *last(void *unused) {
                for (int i = 0; i < 50; i++) { atomic_fetch_add(progress, 1); nap(2000); }
                exit(21);
                return unused;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_t id;
                pthread_create(&id, 0, last, 0);
                pthread_exit(0);
            }
            """,
        // Counts signals in handlers.
        "signals": common + """
            static void count(int unused) { atomic_fetch_add(progress + 1, 1); }
            int main(int argc, char **argv) {
                share(argv[1]);
                signal(SIGUSR1, count);
                for (;;) { atomic_fetch_add(progress, 1); nap(500); }
            }
            """,
        // A breakpoint on the system call of one thread's lock, which only another thread can open.
        "futex": common + """
            int word;
            __attribute__((noinline)) void wait_for_word(void) {
                __asm__ volatile(
                    ".global waiting\\nwaiting: syscall"
                    :
                    : "a"(SYS_futex), "D"(&word), "S"(FUTEX_WAIT_PRIVATE), "d"(0L)
                    : "rcx", "r11", "memory");
            }
            static void *waker(void *unused) {
                while (!atomic_load(progress + 1)) nap(1000);
                for (;;) {
                    nap(20000);
                    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
                }
                return unused;
            }
            static void starve(void) {
                cpu_set_t first;
                CPU_ZERO(&first);
                CPU_SET(0, &first);
                sched_setaffinity(0, sizeof first, &first);
                if (fork() == 0) {
                    prctl(PR_SET_PDEATHSIG, SIGKILL);
                    alarm(60);
                    for (;;) {}
                }
                struct sched_param none = {0};
                sched_setscheduler(0, SCHED_IDLE, &none);
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_t id;
                pthread_create(&id, 0, waker, 0);
                if (argc > 2) starve();
                for (int i = 0; i < 3; i++) {
                    atomic_store(progress + 1, 1);
                    wait_for_word();
                    atomic_fetch_add(progress, 1);
                }
                return 17;
            }
            """,
        // A process that shares its parent's memory without being a thread or a vfork child.
        "shared-clone": common + """
            __attribute__((noinline)) void target(void) { atomic_fetch_add(progress, 1); }
            static int rounds;
            static int child(void *unused) {
                for (int i = 0; i < rounds; i++) { target(); nap(300); }
                atomic_fetch_add(progress + 1, 1);
                if (rounds == 3) execl("/bin/true", "true", (char *)0);
                return 7;
            }
            int main(int argc, char **argv) {
                share(argv[1]);
                rounds = atoi(argv[2]);
                char *stack = malloc(1 << 16);
                int kind = CLONE_VM | atoi(argv[3]);
                pid_t id = clone(child, stack + (1 << 16), kind, 0);
                for (int i = 0; i < 5; i++) { target(); nap(300); }
                int status;
                if (waitpid(id, &status, __WALL) != id || !WIFEXITED(status)) return 90;
                target();
                return WEXITSTATUS(status) == (rounds == 3 ? 0 : 7) ? 42 : 91;
            }
            """,
        // Many threads that wait.
        "crowd": common + """
            static void *wait_for_ever(void *unused) { for (;;) pause(); return unused; }
            __attribute__((noinline)) void target(void) { atomic_fetch_add(progress, 1); }
            int main(int argc, char **argv) {
                share(argv[1]);
                pthread_attr_t small;
                pthread_attr_init(&small);
                pthread_attr_setstacksize(&small, 1 << 16);
                pthread_t id;
                for (int i = atoi(argv[2]); i > 1; i--)
                    if (pthread_create(&id, &small, wait_for_ever, 0) != 0) return 1;
                for (;;) { target(); nap(1000); }
            }
            """,
        // Everything at once, all the time: threads, forks, vforks, signals.
        "turmoil": common + """
            #include <spawn.h>
            extern char **environ;
            static void count(int unused) { atomic_fetch_add(progress + 1, 1); }
            static void *brief(void *unused) { return unused; }
            static void *threads(void *unused) {
                for (;;) {
                    pthread_t ids[3];
                    for (int i = 0; i < 3; i++) pthread_create(&ids[i], 0, brief, 0);
                    for (int i = 0; i < 3; i++) pthread_join(ids[i], 0);
                    atomic_fetch_add(progress + 2, 1);
                    nap(200);
                }
                return unused;
            }
            static void *forks(void *unused) {
                for (;;) {
                    pid_t child = fork();
                    if (child == 0) _exit(0);
                    int status;
                    waitpid(child, &status, 0);
                    if (!WIFEXITED(status) || WEXITSTATUS(status)) abort();
                    char *words[] = {"true", 0};
                    if (posix_spawn(&child, "/bin/true", 0, 0, words, environ) == 0) {
                        waitpid(child, &status, 0);
                        if (!WIFEXITED(status) || WEXITSTATUS(status)) abort();
                    }
                    atomic_fetch_add(progress + 3, 1);
                    nap(500);
                }
                return unused;
            }
            static void *signals(void *unused) {
                for (;;) { raise(SIGUSR1); kill(getpid(), SIGUSR2); nap(200); }
                return unused;
            }
            __attribute__((noinline)) void target(void) { atomic_fetch_add(progress, 1); }
            int main(int argc, char **argv) {
                share(argv[1]);
                signal(SIGUSR1, count);
                signal(SIGUSR2, count);
                pthread_t id;
                pthread_create(&id, 0, threads, 0);
                pthread_create(&id, 0, forks, 0);
                pthread_create(&id, 0, signals, 0);
                for (;;) { target(); nap(300); }
            }
            """,
        // Does what it can against being debugged, and kills itself after so many rounds.
        "fighting": common + """
            #include <sys/ptrace.h>
            static void count(int unused) { atomic_fetch_add(progress + 1, 1); }
            static void *against(void *unused) {
                for (;;) {
                    ptrace(PTRACE_TRACEME, 0, 0, 0);
                    raise(SIGTRAP);
                    __asm__ volatile("int3");
                    for (int i = 3; i < 64; i++) close(i);
                    nap(100);
                }
                return unused;
            }
            static pid_t self;
            static void *stops(void *unused) {
                for (;;) {
                    pid_t helper = fork();
                    if (helper == 0) {
                        kill(self, SIGSTOP);
                        nap(200);
                        kill(self, SIGCONT);
                        _exit(0);
                    }
                    waitpid(helper, 0, 0);
                    nap(200);
                }
                return unused;
            }
            __attribute__((noinline)) void target(void) { atomic_fetch_add(progress, 1); }
            int main(int argc, char **argv) {
                share(argv[1]);
                self = getpid();
                // A step into a handler that blocks SIGTRAP would end its being handled (force_sig).
                struct sigaction action = {.sa_handler = count, .sa_flags = SA_NODEFER};
                sigaction(SIGTRAP, &action, 0);
                signal(SIGCONT, count);
                pthread_t id;
                for (int i = 0; i < 2; i++) pthread_create(&id, 0, against, 0);
                pthread_create(&id, 0, stops, 0);
                for (int i = atoi(argv[2]); i > 0; i--) { target(); nap(500); }
                kill(getpid(), SIGKILL);
                for (;;) {}
            }
            """,
        // Writes what it was started with.
        "show": common + """
            int main(int argc, char **argv) {
                FILE *out = fopen(getenv("SHOW_TO"), "w");
                for (int i = 1; i < argc; i++) fprintf(out, "arg %s\\n", argv[i]);
                char folder[4096];
                fprintf(out, "cwd %s\\n", getcwd(folder, sizeof folder));
                fprintf(out, "set %s\\n", getenv("SHOW_SET") ?: "(none)");
                fprintf(out, "unset %s\\n", getenv("HOME") ?: "(none)");
                fprintf(out, "group %d\\n", getpgrp() == getpid());
                sigset_t mask;
                sigprocmask(SIG_BLOCK, 0, &mask);
                fprintf(out, "blocked %d\\n", sigismember(&mask, SIGCHLD));
                int open_files = 0;
                for (int i = 3; i < 1024; i++)
                    if (fcntl(i, F_GETFD) >= 0 && i != fileno(out)) open_files++;
                fprintf(out, "files %d\\n", open_files);
                char byte;
                fprintf(out, "stdin %zd\\n", read(0, &byte, 1));
                fclose(out);
                return 0;
            }
            """,
        // Steps for the range stepping test: a loop that stays in one range.
        "steps": common + """
            __attribute__((noinline)) long callee(long n) { return n + 1; }
            __attribute__((noinline)) long looping(long n) {
                long sum = 0;
                for (long i = 0; i < n; i++) sum += callee(i);
                return sum;
            }
            int main(int argc, char **argv) { return looping(10) == 55 ? 55 : 1; }
            """,
    ]
}

/// Compiles each program once, whichever test asks first.
final class Compiler: @unchecked Sendable {
    // SAFETY: `compiled` is only touched under `lock`.
    static let shared = Compiler()
    private let lock = NSLock()
    private var compiled: [String: String] = [:]

    struct Failure: Error {
        var output: String
    }

    func compile(_ name: String, _ source: String) throws -> String {
        lock.lock()
        defer { lock.unlock() }
        if let path = compiled[name] { return path }
        let path = "\(Programs.folder)/\(name)"
        try source.write(toFile: path + ".c", atomically: true, encoding: .utf8)
        let command = "gcc -g -O0 -pthread -Wl,--build-id -o \(path) \(path).c 2>&1 && echo done"
        let output = try run("/bin/sh", ["-c", command])
        guard output.hasSuffix("done\n") else { throw Failure(output: output) }
        compiled[name] = path
        return path
    }
}

private func atexit_b_remove(_ path: String) {
    removedAtExit.lock.lock()
    removedAtExit.paths.append(path)
    removedAtExit.lock.unlock()
    atexit { for path in removedAtExit.paths { try? FileManager.default.removeItem(atPath: path) } }
}

private final class PathList: @unchecked Sendable {
    // SAFETY: written under `lock`; read at exit only.
    let lock = NSLock()
    var paths: [String] = []
}

private let removedAtExit = PathList()
