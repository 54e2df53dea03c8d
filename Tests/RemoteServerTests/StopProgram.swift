import Foundation
import Glibc

/// A C program, compiled once into the tests' folder.
struct Program: Sendable {
    let path: String

    init(_ name: String, _ source: String, _ options: String = "") {
        let path = Lab.folder + "/" + name
        let isWritten = FileManager.default.createFile(
            atPath: path + ".c",
            contents: Data(source.utf8)
        )
        precondition(isWritten, "cannot write \(path).c")
        let message = try? shell("gcc -g -O0 -pthread \(options) -o \(path) \(path).c")
        precondition(message == "", "gcc: \(message ?? "")")
        self.path = path
    }

    /// Does what its first argument says: system calls, hot loops, threads, signals.
    static let stops = Program("stops", stopSource)
    /// The same for 32-bit x86.
    static let stops32 = Program("stops32", stopSource, "-m32")

    /// Fills wide registers, stops, and ends with 42 if they are as the client is to have changed them.
    static let wide = Program(
        "wide",
        """
        int main(void) {
            long filled = 0x1122334411223344, out17[8], out3[8];
            unsigned mask;
            __asm__ volatile(
                "vpbroadcastq %0, %%zmm3\\n vmovdqa64 %%zmm3, %%zmm17\\n"
                "mov $0x1234, %%eax\\n kmovw %%eax, %%k3"
                :
                : "r"(filled)
                : "eax");
            __asm__ volatile("int3");
            __asm__ volatile("vmovdqu64 %%zmm17, %0" : "=m"(out17));
            __asm__ volatile("vmovdqu64 %%zmm3, %0" : "=m"(out3));
            __asm__ volatile("kmovw %%k3, %0" : "=r"(mask));
            for (int i = 0; i < 7; i++)
                if (out17[i] != filled || (i != 3 && out3[i] != filled)) return 1;
            return out17[7] == 0x5566 && out3[3] == 0x77 && mask == 0x4321 ? 42 : 2;
        }
        """
    )

    private static let stopSource = """
        #define _GNU_SOURCE
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/syscall.h>
        #include <sys/wait.h>
        #include <unistd.h>
        volatile int getppid_of_self, taken, sum;
        const char *word = "abcdef";
        int __attribute__((noinline)) hot(int n) {
            sum += n;
            return n + 1;
        }
        int twice(int n) { return 2 * n; }
        static void take(int number) { taken++; }
        int raising(int n) {
            signal(SIGUSR2, take);
            raise(SIGUSR2);
            return n;
        }
        static void take_value(int number, siginfo_t *info, void *unused) {
            _exit(info->si_value.sival_int);
        }
        static volatile int is_idle;
        static void *idle(void *unused) {
            is_idle = 1;
            for (;;) usleep(1000);
            return 0;
        }
        static int rounds;
        static void *work(void *unused) {
            for (int i = 0; i < rounds; i++) hot(i);
            return 0;
        }
        int main(int argc, char **argv) {
            sigset_t none;
            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, 0);
            alarm(3000);
            getppid_of_self = getppid();
            const char *what = argc > 1 ? argv[1] : "";
            if (!strcmp(what, "calls")) {
                syscall(SYS_getppid);
                syscall(SYS_getpid);
                syscall(SYS_getuid);
                syscall(SYS_getgid);
            } else if (!strcmp(what, "loop")) {
                for (int i = 0; i < atoi(argv[2]); i++) hot(i);
            } else if (!strcmp(what, "threads")) {
                pthread_t ids[64];
                int count = atoi(argv[2]);
                rounds = atoi(argv[3]);
                for (int i = 0; i < count; i++) pthread_create(&ids[i], 0, work, 0);
                for (int i = 0; i < count; i++) pthread_join(ids[i], 0);
            } else if (!strcmp(what, "pair")) {
                pthread_t id;
                pthread_create(&id, 0, idle, 0);
                while (!is_idle) usleep(1000);
                for (int i = 0; i < 10; i++) {
                    hot(i);
                    usleep(20000);
                }
            } else if (!strcmp(what, "signal")) {
                struct sigaction action = {0};
                action.sa_sigaction = take_value;
                action.sa_flags = SA_SIGINFO;
                sigaction(SIGUSR1, &action, 0);
                sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77});
            } else if (!strcmp(what, "raise")) {
                int count = atoi(argv[2]);
                for (int i = 0; i < count; i++) raising(i);
                return taken == count ? 6 : 7;
            } else if (!strcmp(what, "wait")) {
                for (;;) usleep(1000);
            } else if (!strcmp(what, "exec")) {
                execv(argv[2], argv + 2);
            } else if (!strcmp(what, "fork")) {
                for (int i = 0; i < 3; i++) {
                    pid_t child = fork();
                    if (child == 0) {
                        hot(100 + i);
                        _exit(20 + i);
                    }
                    waitpid(child, 0, 0);
                    hot(i);
                }
            }
            return 5;
        }
        """
}
