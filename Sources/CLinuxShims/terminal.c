#define _GNU_SOURCE
#include "clinux_terminal.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// Declared by hand: <sys/ioctl.h> and <unistd.h> are safe, but <termios.h> is not, and some versions of
// the former include it.
extern int ioctl(int, unsigned long, ...);
extern int close(int);

_Static_assert(sizeof(struct clinux_termios2) == sizeof(struct termios2), "termios2 layout");
_Static_assert(
    offsetof(struct clinux_termios2, output_speed) == offsetof(struct termios2, c_ospeed),
    "termios2 layout");
_Static_assert(CLINUX_SIZE_MASK == CSIZE && CLINUX_SIZE_8 == CS8 && CLINUX_SIZE_7 == CS7, "size");
_Static_assert(CLINUX_TWO_STOP_BITS == CSTOPB && CLINUX_RECEIVE == CREAD, "control flags");
_Static_assert(CLINUX_PARITY == PARENB && CLINUX_ODD_PARITY == PARODD, "parity");
_Static_assert(CLINUX_HANG_UP_ON_CLOSE == HUPCL && CLINUX_LOCAL == CLOCAL, "modem flags");
_Static_assert(CLINUX_SPEED_MASK == CBAUD && CLINUX_OTHER_SPEED == BOTHER, "speed");
_Static_assert((unsigned)CLINUX_INPUT_SPEED_MASK == CIBAUD, "input speed");
_Static_assert((unsigned)CLINUX_RTS_CTS == CRTSCTS, "hardware flow control");
_Static_assert(CLINUX_XON_XOFF_OUT == IXON && CLINUX_XON_XOFF_IN == IXOFF, "flow control");
_Static_assert(CLINUX_IGNORE_BREAK == IGNBRK && CLINUX_BREAK_INTERRUPTS == BRKINT, "break flags");
_Static_assert(CLINUX_MARK_BREAKS == PARMRK, "marks");
_Static_assert(CLINUX_CHARACTER_MINIMUM == VMIN && CLINUX_CHARACTER_TIME == VTIME, "characters");

int clinux_terminal_read(int descriptor, struct clinux_termios2 *settings) {
    return ioctl(descriptor, TCGETS2, settings);
}

int clinux_terminal_write(int descriptor, const struct clinux_termios2 *settings) {
    return ioctl(descriptor, TCSETS2, settings);
}

int clinux_terminal_flush(int descriptor) { return ioctl(descriptor, TCFLSH, TCIOFLUSH); }

int clinux_terminal_set_exclusive(int descriptor, int on) {
    return ioctl(descriptor, on ? TIOCEXCL : TIOCNXCL);
}

int clinux_terminal_queued_output(int descriptor) {
    int queued = 0;
    return ioctl(descriptor, TIOCOUTQ, &queued) < 0 ? -1 : queued;
}

int clinux_terminal_counters(int descriptor, struct clinux_line_counters *counters) {
    struct serial_icounter_struct raw;
    memset(&raw, 0, sizeof raw);
    if (ioctl(descriptor, TIOCGICOUNT, &raw) < 0) return -1;
    counters->received = raw.rx;
    counters->sent = raw.tx;
    counters->frame_errors = raw.frame;
    counters->overruns = raw.overrun;
    counters->parity_errors = raw.parity;
    counters->breaks = raw.brk;
    counters->buffer_overruns = raw.buf_overrun;
    return 0;
}

int clinux_terminal_uart_type(int descriptor) {
    struct serial_struct raw;
    memset(&raw, 0, sizeof raw);
    return ioctl(descriptor, TIOCGSERIAL, &raw) < 0 ? -1 : raw.type;
}

int clinux_terminal_set_low_latency(int descriptor, int on) {
    struct serial_struct raw;
    memset(&raw, 0, sizeof raw);
    if (ioctl(descriptor, TIOCGSERIAL, &raw) < 0) return -1;
    int before = (raw.flags & ASYNC_LOW_LATENCY) != 0;
    if (before == (on != 0)) return before;
    raw.flags ^= ASYNC_LOW_LATENCY;
    return ioctl(descriptor, TIOCSSERIAL, &raw) < 0 ? -1 : before;
}

int clinux_terminal_uart_base_rate(int descriptor) {
    struct serial_struct raw;
    memset(&raw, 0, sizeof raw);
    if (ioctl(descriptor, TIOCGSERIAL, &raw) < 0) return -1;
    return raw.type == PORT_UNKNOWN ? -1 : raw.baud_base;
}

int clinux_terminal_send_break(int descriptor, int tenths) {
    return ioctl(descriptor, TCSBRKP, tenths);
}

int clinux_pseudo_terminal_signal(int master, int signal) {
    return ioctl(master, TIOCSIG, signal);
}

int clinux_terminal_read_window(int descriptor, uint16_t *rows, uint16_t *columns) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) < 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

int clinux_terminal_write_window(int descriptor, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(descriptor, TIOCSWINSZ, &size);
}

int clinux_terminal_set_modem_line(int descriptor, int line, int on) {
    int bit = line == 0 ? TIOCM_DTR : TIOCM_RTS;
    return ioctl(descriptor, on ? TIOCMBIS : TIOCMBIC, &bit);
}

int clinux_terminal_modem_inputs(int descriptor) {
    int bits = 0;
    if (ioctl(descriptor, TIOCMGET, &bits) < 0) return -1;
    return ((bits & TIOCM_CTS) ? 1 : 0) | ((bits & TIOCM_DSR) ? 2 : 0) | ((bits & TIOCM_CAR) ? 4 : 0);
}

int clinux_pseudo_terminal_open(void) {
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) return -1;
    int unlocked = 0;
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0) {
        int failure = errno;
        close(master);
        errno = failure;
        return -1;
    }
    return master;
}

int clinux_pseudo_terminal_number(int master) {
    unsigned int number = 0;
    return ioctl(master, TIOCGPTN, &number) < 0 ? -1 : (int)number;
}

int clinux_pseudo_terminal_slave(int master) {
    return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}
