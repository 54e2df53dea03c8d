// A program whose memory changes in every way that a debugger might not notice: other threads, another process,
// signals, and code that writes itself.
//
//     restless
//
// Each round is the same in every run: `round_done` is where a debugger looks. Only what `outside` points to changes
// while the program stands, because its child, which nobody debugs, counts there.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static volatile long *outside;
static volatile int signals;
static int table[64];
static pthread_barrier_t barrier;
static int (*generated)(void);
// Not on a stack: its number is another in every run.
static pid_t child;

static void handler(int number) { signals += number > 0; }

// mov eax, VALUE; ret
static void generate(int value) {
    unsigned char code[6] = {0xb8, 0, 0, 0, 0, 0xc3};
    memcpy(code + 1, &value, sizeof value);
    memcpy((void *)generated, code, sizeof code);
}

static void *other(void *unused) {
    for (int round = 0;; round++) {
        pthread_barrier_wait(&barrier);
        for (int index = 0; index < 64; index++) table[index] += index * (round + 1);
        pthread_barrier_wait(&barrier);
    }
    return unused;
}

static int round_done(int round, int value) {
    static int local[8];
    for (int index = 0; index < 8; index++) local[index] = round * 10 + index;
    return local[round % 8] + value;
}

static int run(int round) {
    generate(round * 3);
    // On one line: a debugger that steps by lines never sees the other thread at work.
    pthread_barrier_wait(&barrier), pthread_barrier_wait(&barrier);
    raise(SIGUSR1);
    int value = generated();
    int result = round_done(round, value);
    return result + table[5];
}

int main(void) {
    outside = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    generated = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    child = fork();
    if (child == 0) {
        struct timespec pause = {.tv_nsec = 1000000};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            outside[0]++;
            nanosleep(&pause, NULL);
        }
    }
    signal(SIGUSR1, handler);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    int sum = 0;
    for (int round = 0; round < 1000; round++) sum += run(round);
    printf("%d\n", sum);
    kill(child, SIGKILL);
    return 0;
}
