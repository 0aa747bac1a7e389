/* replies.h - the stream of frames to the host. A frame is first committed to the shared ring, where it outlives this
 * process, and sent from there, several at once where several are there. Large bodies go around the ring, in parts, between
 * which the ring is sent. Safe for threads. */
#ifndef DLSERVE_REPLIES_H
#define DLSERVE_REPLIES_H

#include <stddef.h>

#include "shared.h"

/* To be called once, before anything else here. Ends the process when the host can't be reached any more.
 * fd: the socket to the host */
void replies_start(int fd, shared_file *shared);

/* Commits one frame given in pieces, its header first; at most as large as the ring.
 * now: the clock, in milliseconds */
void replies_commit(const void *header, size_t header_length, const void *middle, size_t middle_length, const void *body,
                    size_t body_length, double now);

/* The same where there is room at once, and no need to wait. Returns whether there was */
int replies_try_commit(const void *header, size_t header_length, const void *body, size_t body_length, double now);

/* Waits until this thread may send around the ring. Threads take turns, in order; keep it short. */
void replies_take_turn(void);

/* Sends what was committed, and then one frame from where it is, which is not committed. Only in a turn. */
void replies_pass(const void *header, size_t header_length, const void *body, size_t body_length);

/* Ends the turn. What was committed meanwhile is sent. */
void replies_end_turn(void);

/* Sends what was committed. */
void replies_flush(void);

/* To be called before something that may take long: if replies are unsent, they will be sent within a few milliseconds. */
void replies_leave(void);

/* For the watch: replies that are unsent at two looks in a row were left by a worker that is busy, and are sent. */
int replies_look(void);

#endif
