#include "lane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "performance.h"
#include "signals.h"

/* As much as the main thread has on most systems; only what is touched takes memory. */
#define STACK_SIZE (8u * 1024u * 1024u)

enum wake { WAKE_NOBODY, WAKE_IDLE, WAKE_NEW };

lane *lane_create(hub *hub, uint32_t handler_count) {
  lane *created = calloc(1, sizeof *created);
  if (created == NULL) return NULL;
  created->hub = hub;
  created->handler_count = handler_count;
  created->references = 1;
  pthread_mutex_init(&created->lock, NULL);
  pthread_cond_init(&created->work, NULL);
  hub_hold(hub);
  return created;
}

void lane_release(lane *lane) {
  if (atomic_fetch_sub(&lane->references, 1) != 1) return;
  job_free_list(lane->batch_first);
  job_free_list(lane->first);
  pthread_cond_destroy(&lane->work);
  pthread_mutex_destroy(&lane->lock);
  free(lane->handlers);
  free(lane->slots);
  free(lane->free_slots);
  free(lane->threads);
  hub *hub = lane->hub;
  free(lane);
  hub_release(hub);
}

int lane_limit(lane *lane, int threads) {
  pthread_mutex_lock(&lane->lock);
  pthread_t *room = realloc(lane->threads, (size_t)threads * sizeof *room);
  if (room != NULL) {
    lane->threads = room;
    lane->thread_limit = threads;
  }
  pthread_mutex_unlock(&lane->lock);
  return room != NULL;
}

static void append(job **first, job **last, job *added) {
  added->previous = *last;
  added->next = NULL;
  if (*last == NULL) *first = added;
  else (*last)->next = added;
  *last = added;
}

static void unlink_job(job **first, job **last, job *removed) {
  if (removed->previous == NULL) *first = removed->next;
  else removed->previous->next = removed->next;
  if (removed->next == NULL) *last = removed->previous;
  else removed->next->previous = removed->previous;
}

static void *work(void *argument);

/* Whether someone should look at the queue besides those who are awake. One wakes the next, so that short calls are
 * worked off by few threads and long ones get many. Under the lock. */
static enum wake choose_wake(lane *lane) {
  if (lane->first == NULL || lane->is_waking) return WAKE_NOBODY;
  if (lane->idle > 0) {
    lane->is_waking = 1;
    return WAKE_IDLE;
  }
  if (lane->thread_count >= lane->thread_limit) return WAKE_NOBODY;
  lane->is_waking = 1;
  return WAKE_NEW;
}

/* Under the lock. */
static void start_thread(lane *lane) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  atomic_fetch_add(&lane->references, 1);
  if (signals_start_thread(&lane->threads[lane->thread_count], &attributes, work, lane) == 0) {
    lane->thread_count++;
  } else {
    /* Whoever is awake goes on alone; the next job tries again. */
    atomic_fetch_sub(&lane->references, 1);
    lane->is_waking = 0;
  }
  pthread_attr_destroy(&attributes);
}

/* Under the lock, which is let go. */
static void unlock_and_wake(lane *lane) {
  enum wake wake = choose_wake(lane);
  if (wake == WAKE_NEW) start_thread(lane);
  /* Nobody is there to run them, and nobody can be: let JavaScript say so rather than wait for ever. */
  job *stranded = NULL;
  if (lane->thread_count == 0 && wake == WAKE_NEW) {
    stranded = lane->first;
    lane->first = lane->last = NULL;
  }
  pthread_mutex_unlock(&lane->lock);
  if (wake == WAKE_IDLE) pthread_cond_signal(&lane->work);
  while (stranded != NULL) {
    job *next = stranded->next;
    stranded->outcome = OUTCOME_NO_MEMORY;
    stranded->state = JOB_ENDED;
    hub_report(lane->hub, stranded);
    stranded = next;
  }
}

/* A thread's life: take the oldest job, run it, report it. */
static void *work(void *argument) {
  lane *lane = argument;
  hub *hub = lane->hub;
  invoke_scratch scratch = {0};
  status_slot *running = status_claim(hub->status);
  pthread_mutex_lock(&lane->lock);
  lane->is_waking = 0;
  for (;;) {
    while (lane->first == NULL && !lane->is_closing) {
      lane->idle++;
      pthread_cond_wait(&lane->work, &lane->lock);
      lane->idle--;
      lane->is_waking = 0;
    }
    job *taken = lane->first;
    if (taken == NULL) break;
    unlink_job(&lane->first, &lane->last, taken);
    taken->state = JOB_BEGUN;
    unlock_and_wake(lane);

    status_begin(running, lane->first_label, taken->symbol);
    int has_ended = job_run(taken, &scratch, performance_now(hub->performance_origin));
    status_end(running);
    if (has_ended) {
      taken->state = JOB_ENDED;
      hub_report(hub, taken);
    }

    pthread_mutex_lock(&lane->lock);
  }
  pthread_mutex_unlock(&lane->lock);
  status_unclaim(hub->status, running);
  free(scratch.owned_text);
  lane_release(lane);
  return NULL;
}

static int grow_slots(lane *lane) {
  int32_t count = lane->slot_count == 0 ? 64 : lane->slot_count * 2;
  job **slots = realloc(lane->slots, (size_t)count * sizeof *slots);
  if (slots == NULL) return 0;
  lane->slots = slots;
  int32_t *free_slots = realloc(lane->free_slots, (size_t)count * sizeof *free_slots);
  if (free_slots == NULL) return 0;
  lane->free_slots = free_slots;
  for (int32_t slot = count - 1; slot >= lane->slot_count; slot--) lane->free_slots[lane->free_count++] = slot;
  memset(slots + lane->slot_count, 0, (size_t)(count - lane->slot_count) * sizeof *slots);
  lane->slot_count = count;
  return 1;
}

/* Remembers that the lane has a batch. */
static void mark_dirty(lane *lane) {
  if (lane->is_dirty) return;
  lane->is_dirty = 1;
  lane->next_dirty = lane->hub->first_dirty;
  lane->hub->first_dirty = lane;
}

int32_t lane_submit(lane *lane, job *job) {
  if (lane->free_count == 0 && !grow_slots(lane)) return -1;
  job->lane = lane;
  job->slot = lane->free_slots[--lane->free_count];
  lane->slots[job->slot] = job;
  append(&lane->batch_first, &lane->batch_last, job);
  mark_dirty(lane);
  hub_expect(lane->hub);
  return job->slot;
}

void lane_flush(lane *lane) {
  if (lane->batch_first == NULL) return;
  pthread_mutex_lock(&lane->lock);
  lane->batch_first->previous = lane->last;
  if (lane->last == NULL) lane->first = lane->batch_first;
  else lane->last->next = lane->batch_first;
  lane->last = lane->batch_last;
  lane->batch_first = lane->batch_last = NULL;
  unlock_and_wake(lane);
}

void lane_flush_all(hub *hub) {
  lane *lane = hub->first_dirty;
  hub->first_dirty = NULL;
  while (lane != NULL) {
    struct lane *next = lane->next_dirty;
    lane->is_dirty = 0;
    lane_flush(lane);
    lane = next;
  }
}

void lane_forget(lane *lane, int32_t slot) {
  lane->slots[slot] = NULL;
  lane->free_slots[lane->free_count++] = slot;
}

static job *job_at(const lane *lane, int32_t slot) { return slot >= 0 && slot < lane->slot_count ? lane->slots[slot] : NULL; }

double lane_begun_at(const lane *lane, int32_t slot) {
  job *job = job_at(lane, slot);
  if (job != NULL && job->state == JOB_WAITING) return -1;
  double began = job == NULL ? 0 : atomic_load_explicit(&job->began, memory_order_relaxed);
  return began == 0 || job->state == JOB_ENDED ? INFINITY : began;
}

/* Nobody waits for it any more: the event loop may end without it, and its handler hears of that. */
static void disregard(lane *lane, job *job) {
  if (job->kind == JOB_CALL) stream_let_go(&job->stream);
  if (job->is_unawaited) return;
  job->is_unawaited = 1;
  hub_expect_less(lane->hub);
}

void lane_let_go_all(lane *lane) {
  for (int32_t slot = 0; slot < lane->slot_count; slot++) {
    job *job = lane->slots[slot];
    if (job != NULL && job->kind == JOB_CALL) stream_let_go(&job->stream);
  }
}

job *lane_call(const lane *lane, int32_t slot) {
  job *job = job_at(lane, slot);
  return job != NULL && job->kind == JOB_CALL ? job : NULL;
}

enum job_state lane_withdraw(lane *lane, int32_t slot, int disregards) {
  job *job = job_at(lane, slot);
  if (job == NULL) return JOB_ENDED;
  /* Flushed first, so that there is one list to look in. */
  lane_flush(lane);
  pthread_mutex_lock(&lane->lock);
  enum job_state state = (enum job_state)job->state;
  if (state == JOB_WAITING) unlink_job(&lane->first, &lane->last, job);
  pthread_mutex_unlock(&lane->lock);
  if (state == JOB_WAITING) {
    lane_forget(lane, slot);
    job_free(job);
    hub_expect_less(lane->hub);
  } else if (state == JOB_BEGUN) {
    int is_held = job->kind == JOB_CALL && stream_waits(&job->stream);
    if (disregards) disregard(lane, job);
    if (is_held) return JOB_HELD;
  }
  return state;
}
