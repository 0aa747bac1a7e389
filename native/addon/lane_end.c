/* lane_end.c - how a lane comes to its end: its threads end, or are left to themselves. */
#include <dlfcn.h>

#include "lane.h"
#include "signals.h"

/* Waits on a thread of its own, since a library may have more to do as its threads end, and as it is closed. */
static void *join_threads(void *argument) {
  job *report = argument;
  lane *lane = report->lane;
  for (int i = 0; i < lane->thread_count; i++) pthread_join(lane->threads[i], NULL);
  if (lane->unloads && lane->library != NULL) dlclose(lane->library);
  hub_report(lane->hub, report);
  lane_release(lane);
  return NULL;
}

/* Tells the threads to end once the queue is empty. */
static void let_threads_end(lane *lane) {
  pthread_mutex_lock(&lane->lock);
  lane->is_closing = 1;
  pthread_cond_broadcast(&lane->work);
  pthread_mutex_unlock(&lane->lock);
}

int lane_close(lane *lane, int unloads) {
  lane->unloads = unloads;
  let_threads_end(lane);
  job *report = job_create(JOB_CLOSED, "", 0, NULL, 0);
  if (report == NULL) return 0;
  report->lane = lane;
  atomic_fetch_add(&lane->references, 1);
  pthread_t joiner;
  if (signals_start_thread(&joiner, NULL, join_threads, report) != 0) {
    lane_release(lane);
    job_free(report);
    return 0;
  }
  pthread_detach(joiner);
  hub_expect(lane->hub);
  return 1;
}

/* Nobody will join the threads; what waits for them is dropped. */
static void leave_threads(lane *lane) {
  pthread_mutex_lock(&lane->lock);
  job *dropped = lane->first;
  lane->first = lane->last = NULL;
  for (int i = 0; i < lane->thread_count; i++) pthread_detach(lane->threads[i]);
  pthread_mutex_unlock(&lane->lock);
  job_free_list(dropped);
  let_threads_end(lane);
}

void lane_abandon(lane *lane) {
  lane_flush(lane);
  lane_let_go_all(lane);
  lane->is_abandoned = 1;
  for (int32_t slot = 0; slot < lane->slot_count; slot++) {
    job *job = lane->slots[slot];
    if (job != NULL && !job->is_unawaited) hub_expect_less(lane->hub);
    lane->slots[slot] = NULL;
  }
  leave_threads(lane);
}

void lane_leave(lane *lane) {
  if (!lane->is_abandoned) lane_let_go_all(lane);
  if (!lane->is_closing && !lane->is_abandoned) leave_threads(lane);
  lane_release(lane);
}
