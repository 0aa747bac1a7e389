/* replies.h - the stream of frames to the host. A reply is first committed to the shared ring, where it outlives this
 * process, and sent from there, several at once where several are there. Safe for threads. */
#ifndef DLSERVE_REPLIES_H
#define DLSERVE_REPLIES_H

#include <stddef.h>

#include "shared.h"

/* To be called once, before anything else here. Ends the process when the host can't be reached any more.
 * fd: the socket to the host */
void replies_start(int fd, shared_file *shared);

/* Commits one frame given in parts, its header first. One that is too large for the ring has been sent on return.
 * now: the clock, in milliseconds */
void replies_commit(const void *header, size_t header_length, const void *middle, size_t middle_length, const void *body,
                    size_t body_length, double now);

/* Sends what was committed. */
void replies_flush(void);

/* To be called before something that may take long: if replies are unsent, they will be sent within a few milliseconds. */
void replies_leave(void);

/* For the watch: replies that are unsent at two looks in a row were left by a worker that is busy, and are sent. */
int replies_look(void);

#endif
