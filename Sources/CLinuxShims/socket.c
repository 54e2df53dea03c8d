#define _GNU_SOURCE
#include "clinux_socket.h"

#include <string.h>
#include <sys/socket.h>

int clinux_accept4(int listener, void *address, unsigned int *length, int flags) {
    return accept4(listener, address, length, flags);
}

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

long clinux_send_descriptor(int socket, const void *bytes, unsigned long count, int descriptor) {
    union control control;
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    struct iovec part = {(void *)bytes, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = &control, .msg_controllen = sizeof control.bytes,
    };
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

long clinux_receive_descriptor(int socket, void *bytes, unsigned long count, int *descriptor) {
    union control control;
    struct iovec part = {bytes, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = &control, .msg_controllen = sizeof control.bytes,
    };
    *descriptor = -1;
    long taken = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (taken < 0) return taken;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
        && header->cmsg_len == CMSG_LEN(sizeof *descriptor))
        memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    return taken;
}
