/* hosted.h - one call as the functions of the host know it. */
#ifndef DLSERVE_HOSTED_H
#define DLSERVE_HOSTED_H

#include <pthread.h>
#include <stdatomic.h>

#include "../invoke/invoke.h"
#include "library.h"
#include "shared.h"

/* Bytes of a body that have come and were not read. */
typedef struct hosted_bytes {
  struct hosted_bytes *next;
  size_t length, used;
  uint8_t bytes[];
} hosted_bytes;

/* The body of a handler that takes it in parts. */
typedef struct {
  hosted_bytes *first, **last;
  uint64_t read, told; /* bytes that the handler has read, and those of which the host knows it */
  int is_wanted, has_ended, is_broken;
} hosted_body;

typedef struct {
  uint16_t number; /* of the last ask */
  int is_waiting, is_ok, lacks_memory;
  char *owned_json;
} hosted_ask;

typedef struct hosted {
  invoke_exchange call; /* first: what the handler has is a pointer to its exchange */
  uint64_t id;
  double deadline;      /* on our clock: until then the reply must have begun */
  size_t cursor;        /* of `read`, in lent_request_body */
  int takes_parts;      /* its handler takes the body by `read` */
  pthread_t thread;     /* the handler's */
  atomic_uint gone;     /* flags of CREDIT */
  struct hosted *_Atomic kept; /* where the call was kept: the one that lives on, which has all of what follows but ask and body */
  int is_kept;          /* this is such a one */
  atomic_int has_begun; /* its reply has, in parts; set under control_lock */

  /* Set where is_listed: from its first word to the host on. Under control_lock. */
  int is_listed;
  struct hosted *next;
  struct hosted *origin; /* of a kept one, until its handler has returned: the one that the handler has */
  pthread_cond_t news;
  int is_refused; /* there were more headers than there may be */
  int has_ended, is_broken, is_answered;
  int status;            /* that was sent */
  uint64_t sent, taken;  /* bytes of the reply */
  _Atomic double flushed; /* when its last part was sent on at once */
  hosted_body body;
  hosted_ask ask;
} hosted;

/* To be called once. */
void hosted_start(const library *library, shared_file *shared);

/* Prepares a call; `deadline` is on our clock. */
void hosted_begin(hosted *hosted, const invoke_request *request, uint64_t id, uint16_t symbol, double deadline);

/* The handler has returned. Ends its reply where that came in parts; 0 where it did not, and is a reply like any other. */
int hosted_finish(hosted *hosted, const invoke_reply *reply);

/* Whether nobody waits for the call any more. */
int hosted_is_gone(hosted *hosted);

const answers_limits *hosted_limits(void);

/* Whether the host wants the call not to begin, or nobody waits for it. */
int hosted_is_cancelled(uint64_t id);

/* The one of an exchange that lives on. */
static inline hosted *hosted_of(dlserve_exchange *exchange) {
  hosted *own = (hosted *)exchange, *kept = atomic_load_explicit(&own->kept, memory_order_acquire);
  return kept == NULL ? own : kept;
}

#endif
