// Sockets (see socket.c).
#pragma once

// accept4(2), which <sys/socket.h> shows only under _GNU_SOURCE. The address is a struct sockaddr; the header
// is not included here because its declarations would then belong to this module and not to Glibc.
int clinux_accept4(int listener, void *address, unsigned int *length, int flags);
