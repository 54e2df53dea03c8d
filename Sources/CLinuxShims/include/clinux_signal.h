// Signals as a descriptor (see signal.c).
#pragma once

// Blocks the signals for the calling thread and opens a signalfd(2) for them, close-on-exec and
// non-blocking; -1 and errno on failure. Signals that are ignored stay ignored, but for SIGCHLD.
int clinux_open_signalfd(const int *signals, int count);

// Takes one pending signal's number from a signalfd; 0 when there is none.
int clinux_take_signal(int descriptor);

// Has a signal sent to this process when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).
int clinux_set_parent_death_signal(int signal);
