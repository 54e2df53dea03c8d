// Threads that go through the same two functions all the time, so that a breakpoint there is always being hit by one of them.
//
//     crowd THREADS
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int sink;

static int leaf(int number) {
    int result = number * 2;
    return result + 1;
}

static int busy(int number) {
    int first = leaf(number);
    int second = leaf(first);
    return first + second;
}

static void *run(void *argument) {
    for (int number = 0;; number++) sink = busy(number);
    return argument;
}

int main(int count, char **arguments) {
    alarm(300);
    for (int left = count > 1 ? atoi(arguments[1]) : 1; left > 0; left--) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, NULL);
    }
    for (;;) pause();
}
