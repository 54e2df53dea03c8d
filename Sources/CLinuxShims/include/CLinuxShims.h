// What Swift cannot say to Linux: variadic calls, function-like macros, structures that clash with
// <termios.h>, and the code between fork and exec. No logic, no state.
#pragma once
#include "clinux_events.h"
#include "clinux_launch.h"
#include "clinux_process.h"
#include "clinux_signal.h"
#include "clinux_socket.h"
#include "clinux_terminal.h"
