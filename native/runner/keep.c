#include "keep.h"

#include <stdlib.h>

#include "../invoke/clock.h"
#include "control.h"
#include "guard.h"
#include "replies.h"
#include "says.h"

dlserve_exchange *keep_exchange(dlserve_exchange *exchange) {
  if (guard_is_fork()) return NULL;
  hosted *origin = (hosted *)exchange;
  hosted *before = hosted_of(exchange);
  if (before->is_kept) return &before->call.exchange;
  hosted *kept = calloc(1, sizeof *kept);
  if (kept == NULL || !control_list(origin)) {
    free(kept);
    return NULL;
  }
  kept->call = origin->call;
  kept->call.exchange.lent_request_body = kept->call.exchange.given_reply_body = NULL;
  kept->call.exchange.lent_request_body_length = kept->call.exchange.given_reply_body_length = 0;
  kept->call.exchange.given_reply_headers = NULL;
  kept->id = origin->id;
  kept->deadline = origin->deadline;
  kept->thread = origin->thread;
  kept->is_kept = kept->is_listed = 1;
  pthread_cond_init(&kept->news, NULL);
  pthread_mutex_lock(&control_lock);
  kept->origin = origin;
  atomic_init(&kept->has_begun, atomic_load(&origin->has_begun));
  kept->is_refused = origin->is_refused;
  kept->status = origin->status;
  kept->sent = origin->sent;
  kept->taken = origin->taken;
  atomic_init(&kept->gone, atomic_load(&origin->gone));
  control_replace(origin, kept);
  atomic_store(&origin->kept, kept);
  pthread_mutex_unlock(&control_lock);
  return &kept->call.exchange;
}

static void end(hosted *kept) {
  control_unlist(kept);
  const double now = clock_now();
  if (!kept->is_answered) answers_end(kept->id, kept->is_broken, now);
  replies_flush();
  free(kept->ask.owned_json);
  pthread_cond_destroy(&kept->news);
  free(kept);
}

void keep_return(hosted *kept, size_t headers) {
  pthread_mutex_lock(&control_lock);
  const int has_ended = kept->has_ended;
  if (kept->is_refused) {
    answers_headers(kept->id, headers, clock_now());
    kept->is_answered = 1;
  }
  if (!has_ended) {
    /* Before anybody may end it. */
    if (!kept->is_answered) says_kept(kept->id, clock_now());
    kept->origin = NULL;
    pthread_cond_broadcast(&kept->news);
  }
  pthread_mutex_unlock(&control_lock);
  if (has_ended) end(kept);
}

void keep_end(dlserve_exchange *exchange, int broken) {
  if (guard_is_fork()) return;
  hosted *kept = hosted_of(exchange);
  if (!kept->is_kept) return;
  pthread_mutex_lock(&control_lock);
  if (broken) kept->is_broken = 1;
  kept->has_ended = 1;
  const int has_returned = kept->origin == NULL;
  pthread_mutex_unlock(&control_lock);
  if (has_returned) end(kept);
}
