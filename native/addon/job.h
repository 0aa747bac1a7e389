/* job.h - one call on its way: its request, who runs it, and a copy of what the handler gave. */
#ifndef DLSERVE_JOB_H
#define DLSERVE_JOB_H

#include <stdatomic.h>
#include <stdint.h>

#include "../invoke/invoke.h"

struct hub;
struct lane;

enum job_kind { JOB_CALL, JOB_LOAD, JOB_NUMBER, JOB_INIT, JOB_STOP, JOB_CLOSED, JOB_START, JOB_END, JOB_TEXT };

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
 * twice, freed twice, or lost. Where the environment ends first, the hub's last holder frees what was reported. */
enum job_state { JOB_WAITING, JOB_BEGUN, JOB_ENDED };

/* How a job ended, as JavaScript reads it (src/runtimes/native/addon.ts). */
enum job_outcome { OUTCOME_REPLY = 0, OUTCOME_TOO_LATE = 1, OUTCOME_TOO_LARGE = 2, OUTCOME_NO_MEMORY = 3, OUTCOME_HEADERS_TOO_LARGE = 4 };

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

  int is_unawaited; /* it has had its time, or its client has gone; the event loop's thread alone reads and writes it */

  size_t head_length;
  size_t request_body_length;
  int has_request_body;
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

  /* The request's head and a NUL, then its body, then JOB_REPLY_INLINE bytes for the reply. */
  char bytes[];
} job;

/* Which outcome a reply of so many bytes has: OUTCOME_REPLY where it is not too large. */
enum job_outcome job_size_outcome(const struct hub *hub, const invoke_reply *reply);

/* Makes a job with a copy of its request; where `body` is NULL, there is room for one of that length. NULL when memory is out. */
job *job_create(enum job_kind kind, const char *head, size_t head_length, const void *body, size_t body_length);

/* Where its request's body is. */
char *job_request_body(job *job);

void job_free(job *job);

/* The same for each of a list; NULL is the empty one. */
void job_free_list(job *first);

/* Runs a job on the thread that took it. `now` is in milliseconds of performance.now(). */
void job_run(job *job, invoke_scratch *scratch, double now);

#endif
