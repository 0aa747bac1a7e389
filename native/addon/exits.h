/* exits.h - tells an event loop of the ends of the processes that it has started. Node's own child_process knows of its own only. */
#ifndef DLSERVE_EXITS_H
#define DLSERVE_EXITS_H

#include <node_api.h>
#include <sys/types.h>

/* What one JavaScript environment is told. It lives as long as that, and as the processes. */
typedef struct exits exits;

/* One whose `callback` is given the id of each process that has ended, its status and its signal: one of them is null, both where
 * somebody else has waited for it. The id is its own until the callback returns: so it can be made sure that nobody is left in its group.
 * NULL with errno: ENOSYS or EPERM where the system can't watch processes. */
exits *exits_create(napi_env env, napi_value callback);

/* Watches a process that is just started. 0, or errno: it was killed, and is gone. */
int exits_watch(exits *exits, pid_t process);

#endif
