/* control.h - what the host says to calls that run: answers, what the client has taken, bytes of bodies. A thread reads it, from the
 * first word on that a call has said. */
#ifndef DLSERVE_CONTROL_H
#define DLSERVE_CONTROL_H

#include "hosted.h"

/* For what calls hear from there: all of `hosted` that is set where it is listed. Held for moments only. */
extern pthread_mutex_t control_lock;

/* fd: the socket from the host */
void control_start(int fd);

/* The call hears what the host says to it from now on. 0 where there is no memory for that. */
int control_list(hosted *hosted);

/* The kept one hears it in place of its origin. With the lock. */
void control_replace(hosted *origin, hosted *kept);

/* It hears nothing any more. */
void control_unlist(hosted *hosted);

#endif
