// Looks at serial ports without the code under test; part of what a guest of the rig gets, linked statically.
//
//     portprobe show PORT           settings, modem lines, counters: name=value, one a line
//     portprobe hold PORT           opens it as a careless program would, without a lock, until killed
//     portprobe break PORT          sends a BREAK
//     portprobe write PORT TEXT     sends a text
//     portprobe overrun PORT BYTES  joins the UART's transmitter with its receiver while other bytes come in
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

// From <asm/termios.h>, which does not go with <sys/ioctl.h>.
#define LOOP 0x8000

static int fail(const char *what) {
    fprintf(stderr, "portprobe: %s: %s\n", what, strerror(errno));
    return 1;
}

static int show(int port) {
    struct termios2 line;
    if (ioctl(port, TCGETS2, &line) < 0) return fail("TCGETS2");
    printf("speed=%u\ninput-speed=%u\n", line.c_ospeed, line.c_ispeed);
    printf("data-bits=%d\n", 5 + (int)((line.c_cflag & CSIZE) / CS6));
    printf("parity=%s\n", !(line.c_cflag & PARENB) ? "none" : line.c_cflag & PARODD ? "odd" : "even");
    printf("stop-bits=%d\n", line.c_cflag & CSTOPB ? 2 : 1);
    printf("rts-cts=%d\nhang-up=%d\n", !!(line.c_cflag & CRTSCTS), !!(line.c_cflag & HUPCL));
    struct serial_struct serial = {0};
    if (ioctl(port, TIOCGSERIAL, &serial) == 0) {
        printf("type=%d\nlow-latency=%d\n", serial.type, !!(serial.flags & ASYNC_LOW_LATENCY));
        printf("base-baud=%d\n", serial.baud_base);
    }
    int modem;
    if (ioctl(port, TIOCMGET, &modem) == 0) {
        printf("dtr=%d\nrts=%d\n", !!(modem & TIOCM_DTR), !!(modem & TIOCM_RTS));
        printf("cts=%d\ndsr=%d\ndcd=%d\n", !!(modem & TIOCM_CTS), !!(modem & TIOCM_DSR), !!(modem & TIOCM_CAR));
    }
    struct serial_icounter_struct count;
    if (ioctl(port, TIOCGICOUNT, &count) == 0) {
        printf("received=%d\nsent=%d\nframe-errors=%d\noverruns=%d\n", count.rx, count.tx, count.frame, count.overrun);
        printf("parity-errors=%d\nbreaks=%d\nbuffer-overruns=%d\n", count.parity, count.brk, count.buf_overrun);
    }
    return 0;
}

static int overrun(int port, int bytes) {
    int loop = LOOP;
    if (ioctl(port, TIOCMBIS, &loop) < 0) return fail("TIOCM_LOOP");
    char text[64];
    memset(text, 'U', sizeof text);
    for (int sent = 0; sent < bytes; sent += sizeof text)
        if (write(port, text, sizeof text) < 0 && errno != EAGAIN) return fail("write");
    ioctl(port, TCSBRK, 1);
    return ioctl(port, TIOCMBIC, &loop) < 0 ? fail("TIOCM_LOOP") : 0;
}

int main(int count, char **words) {
    if (count < 3) return 2;
    int port = open(words[2], O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (port < 0) return fail(words[2]);
    if (!strcmp(words[1], "show")) return show(port);
    if (!strcmp(words[1], "hold")) return pause();
    if (!strcmp(words[1], "break")) return ioctl(port, TCSBRK, 0) < 0 ? fail("TCSBRK") : 0;
    if (!strcmp(words[1], "overrun") && count > 3) return overrun(port, atoi(words[3]));
    if (!strcmp(words[1], "write") && count > 3)
        return write(port, words[3], strlen(words[3])) < 0 ? fail("write") : 0;
    return 2;
}
