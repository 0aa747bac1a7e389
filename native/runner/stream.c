#include "stream.h"

#include <string.h>

#include "../invoke/clock.h"
#include "control.h"
#include "guard.h"
#include "replies.h"
#include "says.h"

/* A part that comes so many milliseconds after one that was sent on at once waits for company, a millisecond or two. */
#define BURST 0.1

/* Before a kept one has begun, its handler's thread alone may begin it, with what is in the handler's exchange: others wait until it does,
 * or has returned. With the lock. */
static void await_handler(hosted *call) {
  while (!atomic_load(&call->has_begun) && call->origin != NULL && !pthread_equal(call->thread, pthread_self()) && !hosted_is_gone(call)) {
    pthread_cond_wait(&call->news, &control_lock);
  }
}

int stream_begin(hosted *call) {
  pthread_mutex_lock(&control_lock);
  await_handler(call);
  const int begins = !atomic_load(&call->has_begun) && !call->is_refused && !(call->is_kept && call->origin == NULL);
  const hosted *from = call->origin == NULL ? call : call->origin;
  const char *headers = begins ? from->call.exchange.given_reply_headers : NULL;
  const size_t length = headers == NULL ? 0 : strlen(headers);
  if (begins && length > hosted_limits()->headers) call->is_refused = 1;
  if (begins && !call->is_refused && (!call->is_kept || pthread_equal(call->thread, pthread_self()))) {
    atomic_store(&call->has_begun, 1);
    call->status = from->call.status;
    says_head(call->id, call->status, headers, length, clock_now());
    pthread_cond_broadcast(&call->news);
  }
  const int has_begun = atomic_load(&call->has_begun);
  pthread_mutex_unlock(&control_lock);
  return has_begun ? DLSERVE_OK : DLSERVE_GONE;
}

/* Waits until more of the reply may be sent, and counts that it is. */
static int await_room(hosted *call, size_t length) {
  int is_flushed = 0;
  pthread_mutex_lock(&control_lock);
  while (!hosted_is_gone(call) && call->sent - call->taken >= PROTOCOL_WINDOW) {
    if (is_flushed) {
      pthread_cond_wait(&call->news, &control_lock);
    } else {
      is_flushed = 1;
      pthread_mutex_unlock(&control_lock);
      replies_flush();
      pthread_mutex_lock(&control_lock);
    }
  }
  const int is_gone = hosted_is_gone(call);
  if (!is_gone) call->sent += length;
  pthread_mutex_unlock(&control_lock);
  return !is_gone;
}

int stream_send(hosted *call, const char *bytes, size_t length) {
  size_t at = 0;
  /* Of nothing, too: it has the head leave. */
  do {
    const size_t part = length - at < PROTOCOL_MOST_CHUNK ? length - at : PROTOCOL_MOST_CHUNK;
    if (!await_room(call, part)) return DLSERVE_GONE;
    says_chunk(call->id, bytes + at, part, clock_now());
    at += part;
  } while (at < length);
  return DLSERVE_OK;
}

int stream_write(dlserve_exchange *exchange, const void *lent_part, size_t length) {
  if (guard_is_fork()) return DLSERVE_GONE;
  hosted *call = hosted_of(exchange);
  if (hosted_is_gone(call)) return DLSERVE_GONE;
  if (!control_list(call)) return DLSERVE_NO_MEMORY;
  if (stream_begin(call) != DLSERVE_OK) return DLSERVE_GONE;
  if (stream_send(call, lent_part, length) != DLSERVE_OK) return DLSERVE_GONE;
  const double now = clock_now();
  if (now - atomic_load_explicit(&call->flushed, memory_order_relaxed) >= BURST) {
    replies_flush();
    atomic_store_explicit(&call->flushed, now, memory_order_relaxed);
  } else {
    replies_leave();
  }
  return hosted_is_gone(call) ? DLSERVE_GONE : DLSERVE_OK;
}
