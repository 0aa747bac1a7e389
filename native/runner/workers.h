/* workers.h - the threads that take calls and answer them. */
#ifndef DLSERVE_WORKERS_H
#define DLSERVE_WORKERS_H

#include "frames.h"
#include "library.h"
#include "shared.h"

/* Serves calls in the calling thread, and in more of them as the library allows and calls come, until the host says STOP.
 * The last of them calls PluginStop, answers STOPPED and ends the process.
 * fd: the socket from the host; frames: what has arrived there; clock_ahead: ms by which our clock is ahead of the host's */
_Noreturn void workers_serve(int fd, frames *frames, const library *library, shared_file *shared, double clock_ahead);

/* For the watch: where nobody reads because a call took longer than expected, a free worker is called. */
int workers_look(void);

/* Reads what is there, waiting until something is; returns its bytes. Ends the process when the host is gone. */
size_t workers_receive(int fd, frames *frames);

#endif
