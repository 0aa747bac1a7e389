/* alone.h - waiting actively, for some microseconds, for what comes at once: to sleep and to be woken takes longer than a brief call. How
 * long, and whether at all, is for JavaScript to learn: src/ground/vigil.ts. */
#ifndef DLSERVE_ALONE_H
#define DLSERVE_ALONE_H

#include "hub.h"

/* Whether this process may run on more than one processor: else nothing comes while somebody waits actively. */
int alone_may_wait(void);

/* Has jobs that end from now on wake nobody, as alone_await looks for them in the same turn of the event loop. Returns 0, and does nothing,
 * unless there is just one job under way. */
int alone_watch(hub *hub);

/* After alone_watch: waits until a job has come back, something else happens to the event loop, or the time is over, and tells JavaScript of
 * what has come. Jobs that end from now on wake the event loop again. Returns whether any had come. */
int alone_await(napi_env env, hub *hub, double microseconds);

/* Waits until something happens to the event loop, or the time is over. Returns whether something did. */
int alone_await_event(napi_env env, double microseconds);

#endif
