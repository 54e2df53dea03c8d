// A program to make core files of: threads, a stack, locals and globals to know again, and a bad end.
//
//     crasher [abort | wait]
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct record { int number; const char *name; };
int counter = 42;
const char *greeting = "hello core";
static volatile int started;
static char *heap;

static void *worker(void *argument) {
    volatile int mark = (int)(long)argument;
    __sync_fetch_and_add(&started, 1);
    while (mark) usleep(1000);
    return NULL;
}

static int descend(struct record *record, int depth) {
    volatile int left = depth;
    if (left > 0) return descend(record, left - 1) + 1;
    counter++;
    return record->number;
}

int main(int argc, char **argv) {
    struct record good = {7, "seven"};
    const char *mode = argc > 1 ? argv[1] : "crash";
    pthread_t threads[2];
    heap = malloc(64);
    strcpy(heap, "on the heap");
    for (long i = 0; i < 2; i++) pthread_create(&threads[i], NULL, worker, (void *)(i + 1));
    while (started < 2) usleep(100);
    if (!strcmp(mode, "abort")) abort();
    if (!strcmp(mode, "wait")) {
        printf("ready\n");
        fflush(stdout);
        for (;;) usleep(1000);
    }
    descend(&good, 2);
    return descend((struct record *)8, 2);
}
