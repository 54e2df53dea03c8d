// A program for debuggers to step through: calls, threads with names, a global to watch, signals, a fork.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

volatile long watched, handled;
char text[16] = "steps";

int add(int left, int right) { return left + right; }

double leaf(double x) {
    watched = (long)x;
    return x * 2;
}

double middle(double x) {
    double y = leaf(x);
    return y + 1;
}

static void handler(int unused) { handled++; }

static void *worker(void *name) {
    pthread_setname_np(pthread_self(), name);
    for (;;) usleep(1000);
    return 0;
}

static void start_workers(int count) {
    for (int i = 0; i < count; i++) {
        pthread_t id;
        char *name = malloc(16);
        snprintf(name, 16, "worker-%d", i);
        pthread_create(&id, 0, worker, name);
    }
}

// steps ROUNDS [fork|exec|signal|read]: rounds of calls, 0 for ever, after that.
int main(int argc, char **argv) {
    alarm(600);
    signal(SIGUSR1, handler);
    int rounds = argc > 1 ? atoi(argv[1]) : 3;
    const char *what = argc > 2 ? argv[2] : "";
    start_workers(3);
    printf("started %d %s\n", rounds, what);
    fflush(stdout);
    if (!strcmp(what, "fork")) {
        pid_t child = fork();
        if (child == 0) _exit(5);
        waitpid(child, 0, 0);
    } else if (!strcmp(what, "exec")) {
        execl(argv[0], argv[0], "2", "executed", (char *)0);
    } else if (!strcmp(what, "signal")) {
        raise(SIGUSR1);
    } else if (!strcmp(what, "read")) {
        char line[64] = "";
        if (fgets(line, sizeof line, stdin)) printf("read %s", line);
    }
    for (int i = 0; rounds == 0 || i < rounds; i++) {
        double result = middle(i + 0.5);
        if (rounds == 0) printf("%g\n", result), fflush(stdout);
        usleep(rounds == 0 ? 20000 : 1000);
    }
    return 7;
}
