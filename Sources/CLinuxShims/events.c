#define _GNU_SOURCE
#include "clinux_events.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int clinux_poll(struct pollfd *entries, unsigned long count, int64_t nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    return ppoll(entries, count, nanoseconds < 0 ? NULL : &time, NULL);
}

int clinux_open_set(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

int clinux_set_insert(int set, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event);
}

int clinux_set_remove(int set, int descriptor) {
    return epoll_ctl(set, EPOLL_CTL_DEL, descriptor, NULL);
}

int clinux_open_interval_timer(int milliseconds) {
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0) return -1;
    struct timespec interval = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    struct itimerspec setting = {interval, interval};
    if (timerfd_settime(timer, 0, &setting, NULL) < 0) {
        int failure = errno;
        close(timer);
        errno = failure;
        return -1;
    }
    return timer;
}
