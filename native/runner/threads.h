/* threads.h - the two kinds of threads that the runner makes. */
#ifndef DLSERVE_THREADS_H
#define DLSERVE_THREADS_H

#include <stddef.h>

/* Whether the calling thread executes handlers. */
extern _Thread_local int threads_is_worker;

/* A thread of the runner's own, with a small stack and all signals blocked. Ends the process where it can't be had. */
void threads_start_small(void *(*run)(void *));

/* The same, where the process can go on without: 0 when the system gives none. */
int threads_try_small(void *(*run)(void *));

/* A thread in which handlers run, with a stack as large as a main thread's. The memory limit is raised by that: it is for the
 * library's own. 0 when the system gives none. */
int threads_start_worker(void *(*run)(void *));

/* Bytes that such a thread takes. */
size_t threads_worker_size(void);

#endif
