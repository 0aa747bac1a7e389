/* hub.h - where the jobs of all lanes come back to one event loop: gathered by the threads, handed to JavaScript in batches. */
#ifndef DLSERVE_HUB_H
#define DLSERVE_HUB_H

#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../invoke/invoke.h"
#include "status.h"

struct job;
struct lane;

/* Jobs that JavaScript hears of in one call. */
#define HUB_BATCH 64

/* Numbers in one record: lane, slot, outcome (with RECORD_HAS_HEADERS and RECORD_HAS_LINES), status. */
#define RECORD_FIELDS 4
#define RECORD_HAS_HEADERS 0x100
#define RECORD_HAS_LINES 0x200

struct hub;

/* Tells JavaScript, by `callback`, of jobs that have ended, oldest first, and frees them. */
typedef void hub_listener(napi_env env, napi_value callback, struct hub *hub, struct job *first);

typedef struct hub {
  /* Fixed. */
  hub_listener *listener;
  napi_threadsafe_function wake;
  double performance_origin;
  status_page *status; /* or NULL */
  size_t most_reply;   /* bytes of a reply, headers included */
  size_t most_headers; /* bytes of its headers */
  int32_t *records;    /* memory of a JavaScript array that `records_ref` keeps */
  napi_ref callback_ref;
  napi_ref records_ref;
  napi_ref bodies_ref;
  napi_ref headers_ref;

  /* The event loop's thread alone. */
  napi_env env;
  struct lane *first_dirty; /* those with a batch: see lane.h */
  int32_t expected;         /* jobs for which the event loop stays alive */
  invoke_scratch inline_scratch;
  status_slot *inline_running;
  uint32_t inline_turn; /* see status_begin_turn */

  _Atomic(struct job *) reported; /* newest first; see hub_watch */

  pthread_mutex_t gate;
  int is_gone; /* the environment has ended: nobody may wake it any more */

  _Atomic int references; /* the environment's and one of each lane */
} hub;

/* Makes a hub, which lives as long as its environment and its lanes; `listener` is called with `callback` each time that jobs
 * have come back. NULL on failure. */
hub *hub_create(napi_env env, napi_value callback, hub_listener *listener);

void hub_hold(hub *hub);
void hub_release(hub *hub);

/* From any thread: hands a job that has ended back to the event loop, and wakes it if need be. */
void hub_report(hub *hub, struct job *job);

/* On the event loop's thread: has nobody wake it from now on, until hub_unwatch. Returns 0, and does nothing, where it is woken already. */
int hub_watch(hub *hub);

/* Whether a job has been reported since. */
int hub_has_reported(hub *hub);

/* Has it woken again, and tells JavaScript of what was reported. Returns whether anything was. */
int hub_unwatch(napi_env env, hub *hub);

/* One more, or one less, job that the event loop waits for. */
void hub_expect(hub *hub);
void hub_expect_less(hub *hub);

#endif
