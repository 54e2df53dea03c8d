#define _GNU_SOURCE
#include "clinux_socket.h"

#include <sys/socket.h>

int clinux_accept4(int listener, void *address, unsigned int *length, int flags) {
    return accept4(listener, address, length, flags);
}
