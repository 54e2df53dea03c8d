#define _GNU_SOURCE
#include "clinux_events.h"

#include <stddef.h>
#include <time.h>

int clinux_poll(struct pollfd *entries, unsigned long count, int64_t nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    return ppoll(entries, count, nanoseconds < 0 ? NULL : &time, NULL);
}
