/* lane.h - one library's way through the addon: its functions, its queue, and the threads that work it off. */
#ifndef DLSERVE_LANE_H
#define DLSERVE_LANE_H

#include <pthread.h>

#include "hub.h"
#include "job.h"
#include "status.h"

typedef struct lane {
  /* Fixed. */
  hub *hub;
  int32_t id;
  uint32_t first_label; /* of its symbols on the status page; 0: they have none */
  uint32_t handler_count;

  /* Fixed once the library is open; before that one thread alone is there. */
  void *library; /* of dlopen; NULL where somebody else has opened it */
  dlserve_handler **handlers;
  dlserve_free *release; /* or NULL: the library lends */
  dlserve_init *init;
  dlserve_stop *stop;

  /* The event loop's thread alone. */
  job **slots; /* by the number that JavaScript knows a job under; NULL where free */
  int32_t *free_slots;
  int32_t slot_count;
  int32_t free_count;
  job *batch_first; /* submitted in this turn of the event loop, handed to the threads by lane_flush_all */
  job *batch_last;
  int is_dirty; /* has a batch, and is in the hub's list */
  struct lane *next_dirty;
  int is_abandoned;

  /* Under the lock. */
  pthread_mutex_t lock;
  pthread_cond_t work;
  job *first;
  job *last;
  pthread_t *threads;
  int thread_count;
  int thread_limit;
  int idle;
  int is_waking; /* one thread was woken or started and has not looked at the queue yet */
  int is_closing;
  int unloads; /* whoever joins the threads closes the library then */

  _Atomic int references; /* the event loop's and one of each thread */
} lane;

/* Makes a lane that runs nothing yet. NULL when memory is out. */
lane *lane_create(hub *hub, uint32_t handler_count);

/* Drops the reference of whoever calls; the last one frees. */
void lane_release(lane *lane);

/* Sets how many threads there may be; there are none before. Returns 0 when memory is out. */
int lane_limit(lane *lane, int threads);

/* Puts a job at the end of this turn's batch and gives it its slot; returns that, or -1 when memory is out. */
int32_t lane_submit(lane *lane, job *job);

/* Hands this turn's batch to the threads, and wakes or starts one where all that are awake are busy. */
void lane_flush(lane *lane);

/* The same for each of a hub's lanes. */
void lane_flush_all(hub *hub);

/* When a thread began with a job, in milliseconds of performance.now(); -1 where none has, and infinite where that was this very moment,
 * or the job has ended. */
double lane_begun_at(const lane *lane, int32_t slot);

/* Takes a job back if no thread has taken it; else, where `disregards`, lets the event loop end without it, and its handler hears that nobody
 * waits any more. Returns the state it was found in, JOB_WAITING if it is gone now. */
enum job_state lane_withdraw(lane *lane, int32_t slot, int disregards);

/* The call in a slot; NULL where there is none. */
job *lane_call(const lane *lane, int32_t slot);

/* Lets the handlers go that wait for the host or their clients. */
void lane_let_go_all(lane *lane);

/* Frees the slot of a job that JavaScript has heard of. */
void lane_forget(lane *lane, int32_t slot);

/* Lets the threads end, all work done, closes the library then if that is wanted, and reports JOB_CLOSED to the hub. Returns 0
 * where that can't be. */
int lane_close(lane *lane, int unloads);

/* Leaves the threads to themselves: what waits is dropped, what runs may end or not. The lane stays in memory for good. */
void lane_abandon(lane *lane);

/* The environment ends: the threads are left to themselves, and the event loop's reference is dropped. */
void lane_leave(lane *lane);

#endif
