/* host_calls.h - the functions of the host, as handlers of mode "thread" call them: dlserve_host over a call's stream. */
#ifndef DLSERVE_HOST_CALLS_H
#define DLSERVE_HOST_CALLS_H

#include "../invoke/invoke.h"

struct job;

/* The exchange that a handler gets, or one that was kept, and whose it is. */
typedef struct {
  invoke_exchange call;
  struct job *job;
  int is_kept;
  char *owned_answer; /* what the last question was answered */
} hosted_exchange;

extern const dlserve_host thread_host;

#endif
