import Foundation
import LinuxSystem

/// A C program that fails in as many ways as it has modes, compiled once.
enum Breakage {
    static let path: String = {
        let path = "\(Debuggee.folder)/breakage"
        try? source.write(toFile: path + ".c", atomically: true, encoding: .utf8)
        let process = try? PipedProcess(
            "/usr/bin/gcc",
            ["-g", "-O0", "-w", "-pthread", "-o", path, path + ".c"]
        )
        let ended = try? process?.finish()
        precondition(ended?.status == 0, "the program does not compile: \(ended?.text ?? "")")
        return path
    }()

    /// The number of the line that holds a text, from 1.
    static func line(_ text: String) -> Int {
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        return (lines.firstIndex { $0.contains(text) } ?? -1) + 1
    }

    private static let source = #"""
        #include <assert.h>
        #include <errno.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/wait.h>
        #include <unistd.h>

        static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
        static volatile int holding;
        char text[32] = "hello world";
        int counter;

        static void *forward(void *x) {
            pthread_mutex_lock(&first);
            __sync_fetch_and_add(&holding, 1);
            while (holding < 2) usleep(100);
            pthread_mutex_lock(&second);
            return x;
        }
        static void *backward(void *x) {
            pthread_mutex_lock(&second);
            __sync_fetch_and_add(&holding, 1);
            while (holding < 2) usleep(100);
            pthread_mutex_lock(&first);
            return x;
        }
        static void *quick(void *x) { return x; }
        int leaf(int value) { counter += value; return counter; }
        int twice(int value) { leaf(value); return leaf(value); }
        int deep(int n) { char room[1000]; memset(room, n, sizeof room); return deep(n + 1) + room[5]; }
        static void handler(int number) { counter = number; }

        int main(int argc, char **argv) {
            const char *mode = argc > 1 ? argv[1] : "";
            if (!strcmp(mode, "calls")) for (int i = 0; i < 10; i++) twice(i);
            if (!strcmp(mode, "many")) for (int i = 0; i < 5000; i++) leaf(i & 1);
            if (!strcmp(mode, "null")) *(volatile int *)8 = argc;
            if (!strcmp(mode, "assert")) assert(argc == 5);
            if (!strcmp(mode, "double")) { char *p = malloc(100); free(p); free(p); }
            if (!strcmp(mode, "deep")) return deep(0);
            if (!strcmp(mode, "divide")) return 5 / (argc - 2);
            if (!strcmp(mode, "readonly")) *(volatile char *)"constant" = 1;
            if (!strcmp(mode, "overrun")) {
                char *p = malloc(24), *q = malloc(24);
                memset(p, 'A', 40);
                raise(SIGUSR1);
            }
            if (!strcmp(mode, "deadlock")) {
                pthread_t a, b;
                pthread_create(&a, 0, forward, 0);
                pthread_create(&b, 0, backward, 0);
                while (1) { usleep(20000); raise(SIGUSR1); }
            }
            if (!strcmp(mode, "thread")) {
                pthread_t a;
                pthread_create(&a, 0, quick, 0);
                pthread_join(a, 0);
                // The end of the process would overtake the news of the thread's.
                usleep(200000);
            }
            if (!strcmp(mode, "handled")) { signal(SIGSEGV, handler); raise(SIGSEGV); }
            if (!strcmp(mode, "fork")) { if (fork() == 0) _exit(3); wait(0); }
            if (!strcmp(mode, "print")) { printf("printed %d\n", argc); fflush(stdout); }
            if (!strcmp(mode, "errno")) { close(-1); raise(SIGUSR1); }
            if (!strcmp(mode, "wait")) while (1) usleep(1000);
            return 7;
        }

        """#
}

/// Runs cdb on this machine to its end.
func cdb(_ commands: String, _ mode: String, options: [String] = []) throws -> String {
    try runToEnd(options + ["-c", commands, Breakage.path, mode]).text
}

/// Runs cdb with `q` as its input, which it comes to when commands have failed or left it out.
func runToEnd(_ arguments: [String]) throws -> (text: String, status: Int32?) {
    try PipedProcess(
        "/bin/sh",
        [
            "-c", "echo q | DBGSRV_RUNTIME_DIR='\(Debuggee.folder)' exec \"$0\" \"$@\"", Cdb.path,
        ] + arguments
    ).finish()
}
