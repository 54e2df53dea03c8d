// Waiting: poll(2) with nanoseconds (see events.c).
#pragma once
#include <poll.h>
#include <stdint.h>

// ppoll(2) with the signal mask as it is; a negative time waits for ever.
int clinux_poll(struct pollfd *entries, unsigned long count, int64_t nanoseconds);
