#include "hosted.h"

#include <stdlib.h>

#include "../invoke/clock.h"
#include "control.h"
#include "host.h"
#include "keep.h"
#include "stream.h"

static struct {
  const library *library;
  shared_file *shared;
} host;

void hosted_start(const library *library, shared_file *shared) {
  host.library = library;
  host.shared = shared;
}

const answers_limits *hosted_limits(void) { return &host.library->limits; }

int hosted_is_cancelled(uint64_t id) {
  return atomic_load(&host.shared->cancelled[id % PROTOCOL_MOST_CANCELLED]) == (uint32_t)(id / PROTOCOL_MOST_CANCELLED + 1);
}

int hosted_is_gone(hosted *hosted) {
  return atomic_load_explicit(&hosted->gone, memory_order_relaxed) != 0 || hosted_is_cancelled(hosted->id);
}

void hosted_begin(hosted *hosted, const invoke_request *request, uint64_t id, uint16_t symbol, double deadline) {
  invoke_begin(&hosted->call, request, &host_functions);
  hosted->id = id;
  hosted->deadline = deadline;
  hosted->cursor = 0;
  hosted->takes_parts = host.library->bodies != NULL && host.library->bodies[symbol] == DLSERVE_BODY_STREAM;
  hosted->is_kept = hosted->is_listed = 0;
  atomic_init(&hosted->has_begun, 0);
  hosted->thread = pthread_self();
  atomic_init(&hosted->gone, 0);
  atomic_init(&hosted->kept, NULL);
}

static void forget(hosted *hosted) {
  control_unlist(hosted);
  for (hosted_bytes *bytes = hosted->body.first, *next; bytes != NULL; bytes = next) {
    next = bytes->next;
    free(bytes);
  }
  free(hosted->ask.owned_json);
  pthread_cond_destroy(&hosted->news);
}

/* Whether the handler breaks the reply off, which has begun. */
static int breaks_off(hosted *call, const invoke_reply *reply) {
  pthread_mutex_lock(&control_lock);
  const int breaks = atomic_load(&call->has_begun) && reply->status >= 500 && reply->status != call->status;
  if (breaks) call->is_broken = 1;
  pthread_mutex_unlock(&control_lock);
  return breaks;
}

/* The last part; nothing where the handler broke the reply off. */
static void send_last(hosted *call, const invoke_reply *reply) {
  if (breaks_off(call, reply) || stream_begin(call) != DLSERVE_OK) return;
  if (call->is_kept || reply->body_length > 0) stream_send(call, reply->given_body, reply->body_length);
}

int hosted_finish(hosted *hosted, const invoke_reply *reply) {
  if (!hosted->is_listed) return 0;
  struct hosted *kept = atomic_load(&hosted->kept);
  int is_told = 1;
  if (kept != NULL) {
    send_last(kept, reply);
    keep_return(kept, reply->headers_length);
  } else if (hosted->is_refused) {
    answers_headers(hosted->id, reply->headers_length, clock_now());
  } else if (atomic_load(&hosted->has_begun)) {
    send_last(hosted, reply);
    answers_end(hosted->id, hosted->is_broken, clock_now());
  } else {
    is_told = 0;
  }
  forget(hosted);
  return is_told;
}
