// What the benchmark's servers debug: `debuggee WHAT [NUMBER]`.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

volatile unsigned counter;
unsigned char memory[1 << 20];

__attribute__((noinline)) void hit(void) { counter++; }

// One line of source, many instructions: what a range step runs through.
__attribute__((noinline)) void range_begin(void) {
    __asm__ volatile("mov $100000, %%ecx\n1: nop\nnop\nsub $1, %%ecx\njnz 1b\n" ::: "ecx", "cc");
}
__attribute__((noinline)) void range_end(void) { counter++; }

static void *sleeper(void *nothing) {
    for (;;) pause();
    return nothing;
}

static void *brief(void *nothing) { return nothing; }

static void start_threads(int number) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    for (int i = 1; i < number; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &small, sleeper, NULL)) exit(9);
    }
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    int number = count > 2 ? atoi(words[2]) : 0;
    for (unsigned i = 0; i < sizeof memory; i++) memory[i] = (i * 2654435761u) >> 13;
    if (!strcmp(what, "threads")) start_threads(number);
    if (!strcmp(what, "forks")) {
        for (int i = 0; i < number; i++) {
            pid_t child = fork();
            if (!child) _exit(0);
            waitpid(child, NULL, 0);
        }
        return 0;
    }
    if (!strcmp(what, "clones")) {
        for (int i = 0; i < number; i++) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, brief, NULL)) return 9;
            pthread_join(thread, NULL);
        }
        return 0;
    }
    if (!strcmp(what, "main")) return 0;
    puts("ready");
    fflush(stdout);
    if (!strcmp(what, "hits")) for (;;) hit();
    if (!strcmp(what, "range")) for (;;) { range_begin(); range_end(); }
    for (;;) pause();
}
