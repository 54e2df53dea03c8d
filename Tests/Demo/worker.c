// A program worth debugging: threads that measure something, each deep in a few calls.
//
//     worker [THREADS [FILE]]
//
// It runs until it is killed and writes the number of finished rounds to FILE as it goes, so that an
// onlooker can tell whether it runs or stands.
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct sample {
    int sensor;
    long sequence;
    double celsius;
    char unit[8];
};

static volatile long rounds;
static FILE *progress;
static pthread_mutex_t progress_lock = PTHREAD_MUTEX_INITIALIZER;

static double read_sensor(int sensor, long sequence) {
    double drift = sin((double)sequence / 10.0);
    return 20.0 + sensor + drift;
}

static int store(const struct sample *sample) {
    int slot = (int)(sample->sequence % 16);
    pthread_mutex_lock(&progress_lock);
    rounds++;
    if (progress) {
        rewind(progress);
        fprintf(progress, "%12ld\n", rounds);
        fflush(progress);
    }
    pthread_mutex_unlock(&progress_lock);
    return slot;
}

static int measure(int sensor, long sequence) {
    struct sample sample = {.sensor = sensor, .sequence = sequence};
    strcpy(sample.unit, "degC");
    sample.celsius = read_sensor(sensor, sequence);
    int slot = store(&sample);
    return slot;
}

static void *run_sensor(void *argument) {
    int sensor = (int)(long)argument;
    struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    for (long sequence = 0;; sequence++) {
        measure(sensor, sequence);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 4;
    if (argc > 2) progress = fopen(argv[2], "w");
    for (int sensor = 1; sensor < count; sensor++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run_sensor, (void *)(long)sensor);
        char name[16];
        snprintf(name, sizeof name, "sensor-%d", sensor % 1000);
        pthread_setname_np(thread, name);
    }
    run_sensor((void *)0);
    return 0;
}
