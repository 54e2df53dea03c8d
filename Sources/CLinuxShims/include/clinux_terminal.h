// Serial ports and pseudo-terminals (see terminal.c).
//
// <asm/termbits.h> and <linux/serial.h> clash with <termios.h>, which Swift's Glibc module includes, and
// ioctl(2) is variadic: hence own structures here and the ioctls behind plain functions.
#pragma once
#include <stdint.h>
#include <sys/types.h>

// struct termios2 of the kernel; terminal.c asserts that the layouts agree.
struct clinux_termios2 {
    uint32_t input_flags;
    uint32_t output_flags;
    uint32_t control_flags;
    uint32_t local_flags;
    uint8_t line_discipline;
    uint8_t control_characters[19];
    uint32_t input_speed;
    uint32_t output_speed;
};

// The flags of <asm/termbits.h> that are used, so that nobody mixes them with glibc's numeric speeds.
enum clinux_terminal_flag {
    CLINUX_SIZE_MASK = 0000060,
    CLINUX_SIZE_7 = 0000040,
    CLINUX_SIZE_8 = 0000060,
    CLINUX_TWO_STOP_BITS = 0000100,
    CLINUX_RECEIVE = 0000200,
    CLINUX_PARITY = 0000400,
    CLINUX_ODD_PARITY = 0001000,
    CLINUX_HANG_UP_ON_CLOSE = 0002000,
    CLINUX_LOCAL = 0004000,
    CLINUX_SPEED_MASK = 0010017,
    CLINUX_OTHER_SPEED = 0010000,
    CLINUX_INPUT_SPEED_MASK = 002003600000,
    CLINUX_RTS_CTS = 020000000000,
    CLINUX_XON_XOFF_OUT = 0002000,
    CLINUX_XON_XOFF_IN = 0010000,
    CLINUX_IGNORE_BREAK = 0000001,
    CLINUX_BREAK_INTERRUPTS = 0000002,
    CLINUX_MARK_BREAKS = 0000010,
    CLINUX_CHARACTER_MINIMUM = 6,
    CLINUX_CHARACTER_TIME = 5,
};

// What TIOCGICOUNT counts.
struct clinux_line_counters {
    int32_t received;
    int32_t sent;
    int32_t frame_errors;
    int32_t overruns;
    int32_t parity_errors;
    int32_t breaks;
    int32_t buffer_overruns;
};

// Each answers 0 or more, or -1 with errno.
int clinux_terminal_read(int descriptor, struct clinux_termios2 *settings);
int clinux_terminal_write(int descriptor, const struct clinux_termios2 *settings);
int clinux_terminal_flush(int descriptor);
int clinux_terminal_set_exclusive(int descriptor, int on);
int clinux_terminal_queued_output(int descriptor);
int clinux_terminal_counters(int descriptor, struct clinux_line_counters *counters);
// The UART type of TIOCGSERIAL: 0 means that there is no hardware behind the name.
int clinux_terminal_uart_type(int descriptor);
// TIOCGSERIAL's rate at divisor 1, the fastest of an 8250-like UART; negative where there is none.
int clinux_terminal_uart_base_rate(int descriptor);
// ASYNC_LOW_LATENCY, which makes FTDI drivers use a latency timer of 1 ms; answers the earlier state.
int clinux_terminal_set_low_latency(int descriptor, int on);
// Raises or lowers DTR (0) or RTS (1).
int clinux_terminal_set_modem_line(int descriptor, int line, int on);

// The lines that the other side drives: 1 for CTS, 2 for DSR, 4 for DCD.
int clinux_terminal_modem_inputs(int descriptor);
// TIOCGWINSZ and TIOCSWINSZ.
int clinux_terminal_read_window(int descriptor, uint16_t *rows, uint16_t *columns);
int clinux_terminal_write_window(int descriptor, uint16_t rows, uint16_t columns);

// Holds the line for about that many tenths of a second (TCSBRKP), and waits so long.
int clinux_terminal_send_break(int descriptor, int tenths);
// TIOCSIG: a signal to the foreground process group of a pseudo-terminal, by its master.
int clinux_pseudo_terminal_signal(int master, int signal);
// A new pseudo-terminal's master, unlocked.
int clinux_pseudo_terminal_open(void);
// The N of its slave's /dev/pts/N.
int clinux_pseudo_terminal_number(int master);
// Its slave, opened without a path, O_NOCTTY and close-on-exec.
int clinux_pseudo_terminal_slave(int master);
