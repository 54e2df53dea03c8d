// Waiting: poll(2) with nanoseconds, sets of descriptors, timers (see events.c).
#pragma once
#include <poll.h>
#include <stdint.h>

// ppoll(2) with the signal mask as it is; a negative time waits for ever.
int clinux_poll(struct pollfd *entries, unsigned long count, int64_t nanoseconds);

// epoll(7): a new set, and a descriptor that is put into it, to be reported when readable, or taken out.
int clinux_open_set(void);
int clinux_set_insert(int set, int descriptor);
int clinux_set_remove(int set, int descriptor);

// timerfd_create(2): a descriptor that becomes readable again and again.
int clinux_open_interval_timer(int milliseconds);
