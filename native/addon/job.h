/* job.h - one call on its way: its request, who runs it, and a copy of what the handler gave. */
#ifndef DLSERVE_JOB_H
#define DLSERVE_JOB_H

#include <stdatomic.h>
#include <stdint.h>

#include "../invoke/invoke.h"
#include "stream.h"

struct hub;
struct lane;

enum job_kind { JOB_CALL, JOB_LOAD, JOB_NUMBER, JOB_INIT, JOB_STOP, JOB_CLOSED, JOB_START, JOB_END, JOB_TEXT, JOB_EVENT };

/* What the life of a library is labelled with on the status page: these come after its handlers, in this order, and
 * src/runtimes/native/addon.ts names them. */
enum life_label {
  LIFE_LOAD,
  LIFE_ABI,
  LIFE_INIT,
  LIFE_CONCURRENCY,
  LIFE_STOP,
  LIFE_NAME,
  LIFE_START,
  LIFE_END,
  LIFE_ROUTES,
  LIFE_OWN_ROUTES,
  LIFE_BODY,
};

/* The life of a job. The event loop's thread (E) makes it and frees it; a thread of the lane (T) runs it.
 *
 *            E: lane_submit          T: takes it         T: it has run           E: delivers it, frees it
 *     (made) ---------------> WAITING ---------> BEGUN ---------------> ENDED ---------------------------->
 *                                | E: lane_withdraw, or the lane is abandoned: freed, and never begins
 *                                '------------------------------------------------------------------------>
 *
 * WAITING is left under the lane's lock alone, so either T takes the job or E withdraws it, and whoever comes second finds it
 * gone. From BEGUN on T alone owns all of it but `is_unawaited`, and `began`, which E may read, until hub_report hands it over: T writes `state` ENDED and links
 * it with release order, E takes the list with acquire order, so E sees all that T wrote. E may ask to withdraw it meanwhile: it
 * finds BEGUN or ENDED, changes nothing but `is_unawaited`, and hears of the job later as of any other; so no job is delivered
 * twice, freed twice, or lost. Where the environment ends first, the hub's last holder frees what was reported.
 *
 * While it is BEGUN, T may report events of it, each a job of its own (JOB_EVENT) with the same lane and slot, and E may write to its
 * `stream`: see stream.h. Where the handler has kept its exchange (host_calls.c), the job stays BEGUN when the handler has returned, and T
 * goes on to the next; it is T no more. Handler and keeper have a hold on the job each, and the lane is held for the keeper: whoever gives up the last hold, T
 * or any thread of the plugin's, makes it ENDED and reports it, and touches it no more.
 *
 * JOB_HELD is never a job's state: it is what lane_withdraw says of one that has begun and waits for the host or its client. */
enum job_state { JOB_WAITING, JOB_BEGUN, JOB_ENDED, JOB_HELD };

/* How a job ended, or what an event is, as JavaScript reads it (src/runtimes/native/addon.ts). */
enum job_outcome {
  OUTCOME_REPLY = 0,
  OUTCOME_TOO_LATE = 1,
  OUTCOME_TOO_LARGE = 2,
  OUTCOME_NO_MEMORY = 3,
  OUTCOME_HEADERS_TOO_LARGE = 4,
  OUTCOME_LAST = 5,   /* the last part of a reply in parts, or none */
  OUTCOME_BROKEN = 6, /* a reply in parts, which is not whole */

  EVENT_HEAD = 16,              /* status, headers and first part of a reply in parts */
  EVENT_CHUNK = 17,             /* the next part */
  EVENT_HEADERS_TOO_LARGE = 18, /* in place of a head; nothing more is sent */
  EVENT_WANT = 19,              /* bytes of the request's body are wanted */
  EVENT_ASK = 20,               /* a service, in place of headers, and its parameters */
  EVENT_LOG = 21,               /* a line, and its level as the status */
  EVENT_LOST_LINES = 22,        /* how many, as the status */
  EVENT_KEPT = 23,              /* the handler has returned, and the call goes on */
  EVENT_LOST = 24,              /* one that JavaScript could not be told of, for want of memory */
};

/* A number of a library: PluginABI or PluginConcurrency. */
typedef int job_number(void);

/* A function of a PluginFactory that says nothing but whether it went well: stop. */
typedef int job_end(char **given_error);

/* The function of a job that is no call: by its kind, dlserve_init of JOB_START, job_end of JOB_END, dlserve_routes of JOB_TEXT. */
typedef void job_function(void);

/* Replies up to this many bytes, headers included, travel in the job's own block. */
#define JOB_REPLY_INLINE 1024

typedef struct job {
  struct job *next;
  struct job *previous;
  struct lane *lane;
  enum job_kind kind;
  _Atomic int state;
  int32_t slot;           /* under which JavaScript knows it */
  uint32_t symbol;        /* of a call: the handler's place; else one of life_label after the last handler */
  job_number *number;     /* of JOB_NUMBER */
  job_function *function; /* of JOB_START, JOB_END and JOB_TEXT */
  int binds_own;          /* of JOB_LOAD: see symbols.h */
  /* Of a call, in milliseconds of performance.now(). */
  double begin_by; /* the time by which it must begin */
  double own_at;   /* see call_arguments */
  double timeout;
  _Atomic double began; /* 0 before */

  stream stream; /* of JOB_CALL */

  int is_unawaited; /* it has had its time, or its client has gone; the event loop's thread alone reads and writes it */

  size_t head_length;
  size_t request_body_length;
  int has_request_body;
  struct room *held_room;        /* where its body is in one, which is held until the job is freed; else NULL */
  const char *lent_request_body; /* in the room */
  int is_complete; /* see invoke_request */

  enum job_outcome outcome;
  int status;
  int is_ascii;
  char *body; /* NULL: none was given. In this block, or owned where `owned_body` says so. */
  size_t body_length;
  char *headers;
  size_t headers_length;
  char *owned_body;
  char *owned_headers;

  /* The request's head and a NUL, then its body unless that is in a room, then JOB_REPLY_INLINE bytes for the reply. */
  char bytes[];
} job;

/* Which outcome a reply of so many bytes has: OUTCOME_REPLY where it is not too large. */
enum job_outcome job_size_outcome(const struct hub *hub, const invoke_reply *reply);

/* Makes a job with a copy of its request; where `body` is NULL, there is room for one of that length. NULL when memory is out. */
job *job_create(enum job_kind kind, const char *head, size_t head_length, const void *body, size_t body_length);

/* Where its request's body is. */
const char *job_request_body(const job *job);

/* Makes an event of a call, with a copy of the bytes; they may be NULL. NULL when memory is out. */
job *job_event(const job *call, enum job_outcome what, const char *bytes, size_t length);

/* Gives an event headers, by a copy. 0 when memory is out. */
int job_event_headers(job *event, const char *headers, size_t length);

void job_free(job *job);

/* The same for each of a list; NULL is the empty one. */
void job_free_list(job *first);

/* Runs a job on the thread that took it. `now` is in milliseconds of performance.now(). Returns whether it has come to its end; else it goes on
 * without the thread, and must not be touched any more. */
int job_run(job *job, invoke_scratch *scratch, double now);

#endif
