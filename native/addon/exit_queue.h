/* exit_queue.h - waits for many processes at once, by what the system has for that. */
#ifndef DLSERVE_EXIT_QUEUE_H
#define DLSERVE_EXIT_QUEUE_H

#include <sys/types.h>

/* One process. It stays where it is until exit_queue_next gives it back. */
typedef struct {
  pid_t process;
  int descriptor; /* the queue's own */
} exit_watch;

/* Opens the queue of this process; again, nothing. 0, or errno: ENOSYS or EPERM where the system has none. */
int exit_queue_open(void);

/* From any thread. 0, or errno: ESRCH where the process has ended already, and is not given back. */
int exit_queue_add(exit_watch *watch);

/* Waits until a process has ended, which can be waited for from now on. For one thread. */
exit_watch *exit_queue_next(void);

#endif
