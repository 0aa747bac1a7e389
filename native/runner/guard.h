/* guard.h - what keeps the runner from harming anything else, and from outliving its host. */
#ifndef DLSERVE_GUARD_H
#define DLSERVE_GUARD_H

#include <sys/types.h>

/* Arranges that this process, and those that the library forks, end with the host. Ends it at once if the host is gone.
 * host: its process id */
void guard_lifetime(pid_t host);

/* Starts to watch the host, where the system allows it by a socket: when that is closed from there, everything here ends. */
void guard_watch(int fd);

/* Moves a descriptor that the host gave out of the library's sight; ends the process if it isn't there. */
int guard_take_descriptor(int fd);

/* The same for a socket, which forked processes will close. */
int guard_take_socket(int fd);

/* Closes what was inherited beyond the descriptors of the protocol. */
void guard_close_others(int first);

/* Whether this is a process that the library made with fork, which came back from its handler. */
int guard_is_fork(void);

/* Ends this process and those that it made. */
_Noreturn void guard_end(void);

#endif
