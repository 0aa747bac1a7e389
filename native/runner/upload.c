#include "upload.h"

#include <stdlib.h>
#include <string.h>

#include "../invoke/clock.h"
#include "control.h"
#include "guard.h"
#include "replies.h"
#include "says.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static int64_t read_lent(hosted *call, void *buffer, size_t capacity) {
  const dlserve_exchange *exchange = &call->call.exchange;
  const size_t length = smaller(capacity, exchange->lent_request_body_length - call->cursor);
  if (length > 0) memcpy(buffer, exchange->lent_request_body + call->cursor, length);
  call->cursor += length;
  return (int64_t)length;
}

/* What has come, as much as fits. With the lock. */
static size_t take(hosted_body *body, uint8_t *buffer, size_t capacity) {
  size_t taken = 0;
  while (taken < capacity && body->first != NULL) {
    hosted_bytes *bytes = body->first;
    const size_t length = smaller(capacity - taken, bytes->length - bytes->used);
    memcpy(buffer + taken, bytes->bytes + bytes->used, length);
    taken += length;
    bytes->used += length;
    if (bytes->used < bytes->length) break;
    body->first = bytes->next;
    if (body->first == NULL) body->last = &body->first;
    free(bytes);
  }
  body->read += taken;
  return taken;
}

/* Whether the host is to hear how much was read: then it sends more. With the lock. */
static int is_due(hosted_body *body) {
  if (body->has_ended || body->is_broken || (body->is_wanted && body->read - body->told < PROTOCOL_WINDOW / 2)) return 0;
  body->is_wanted = 1;
  body->told = body->read;
  return 1;
}

int64_t upload_read(dlserve_exchange *exchange, void *buffer, size_t capacity) {
  if (guard_is_fork()) return DLSERVE_GONE;
  hosted *call = (hosted *)exchange;
  if (call->is_kept) return DLSERVE_GONE;
  if (exchange->lent_request_body != NULL || !call->takes_parts) return read_lent(call, buffer, capacity);
  if (capacity == 0) return 0;
  if (!control_list(call)) return DLSERVE_NO_MEMORY;
  hosted_body *body = &call->body;
  int64_t result = 0;
  pthread_mutex_lock(&control_lock);
  for (;;) {
    result = (int64_t)take(body, buffer, capacity);
    if (is_due(body)) {
      says_want(call->id, body->read, clock_now());
      pthread_mutex_unlock(&control_lock);
      replies_flush();
      pthread_mutex_lock(&control_lock);
      if (result == 0) continue;
    }
    if (result > 0 || (body->has_ended && body->first == NULL && !body->is_broken)) break;
    if (body->is_broken || hosted_is_gone(call)) {
      result = DLSERVE_GONE;
      break;
    }
    pthread_cond_wait(&call->news, &control_lock);
  }
  pthread_mutex_unlock(&control_lock);
  return result;
}
