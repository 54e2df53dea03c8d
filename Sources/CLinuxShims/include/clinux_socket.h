// Sockets (see socket.c).
#pragma once

// accept4(2), which <sys/socket.h> shows only under _GNU_SOURCE. The address is a struct sockaddr; the header
// is not included here because its declarations would then belong to this module and not to Glibc.
int clinux_accept4(int listener, void *address, unsigned int *length, int flags);

// Sends bytes with a descriptor beside the first of them (SCM_RIGHTS, unix(7)), without a SIGPIPE. Answers how many
// bytes were taken, or -1 with errno.
long clinux_send_descriptor(int socket, const void *bytes, unsigned long count, int descriptor);
// Receives bytes and the descriptor that came with them, closed on exec; *descriptor is -1 where none did.
long clinux_receive_descriptor(int socket, void *bytes, unsigned long count, int *descriptor);
