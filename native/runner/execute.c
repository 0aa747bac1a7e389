#include "execute.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../invoke/clock.h"
#include "answers.h"
#include "crash.h"
#include "fault.h"
#include "guard.h"
#include "hosted.h"
#include "replies.h"

/* Microseconds that a handler is taken for that was never called. */
#define UNKNOWN 1000

static struct {
  const library *library;
  shared_file *shared;
  double clock_ahead;
  atomic_uint *typical; /* microseconds that each handler takes */
} calls;

/* A moving average; two threads that meet here may lose one of their values. */
static void learn(uint16_t symbol, double milliseconds) {
  double before = atomic_load_explicit(&calls.typical[symbol], memory_order_relaxed);
  double now = milliseconds * 1e3 < 1e6 ? milliseconds * 1e3 : 1e6;
  atomic_store_explicit(&calls.typical[symbol], (unsigned)(before + (now - before) / 8), memory_order_relaxed);
}

unsigned execute_typical(uint16_t symbol) { return atomic_load_explicit(&calls.typical[symbol], memory_order_relaxed); }

/* Tells the host what this thread executes, and since when. */
static void enter(shared_running *running, uint64_t id, double since) {
  atomic_store_explicit(&running->since, since, memory_order_relaxed);
  atomic_store_explicit(&running->id, id, memory_order_release);
}

static void leave(shared_running *running) { atomic_store_explicit(&running->id, 0, memory_order_relaxed); }

void execute_call(const frames_call *call, int lost, invoke_scratch *scratch, uint32_t thread) {
  shared_running *running = &calls.shared->running[thread];
  double began = clock_now();
  double since = began - calls.clock_ahead;
  if (hosted_is_cancelled(call->id) || since >= call->begin_by) {
    answers_none(call->id, PROTOCOL_OUTCOME_SKIPPED, began);
    return;
  }
  const invoke_request request = {
    .lent_head = call->lent_head,
    .head_length = call->head_length,
    .lent_body = call->lent_body,
    .body_length = call->body_length,
    .has_body = call->has_body,
    .is_complete = call->is_complete,
    .deadline_unix_ms = clock_unix(clock_earlier(call->own_at - since, calls.library->timeout)),
  };
  const char *text = lost ? NULL : invoke_text(scratch, &request);
  if (text == NULL) {
    answers_none(call->id, PROTOCOL_OUTCOME_NO_MEMORY, began);
    return;
  }
  hosted hosted;
  invoke_reply reply;
  hosted_begin(&hosted, &request, call->id, call->symbol, began + clock_earlier(call->own_at - since, calls.library->timeout));
  replies_leave();
  enter(running, call->id, since);
  crash_enter(call->id, call->symbol);
  invoke_call(calls.library->handlers[call->symbol], text, &hosted.call, &reply);
  if (guard_is_fork()) _exit(0);
  leave(running);
  double ended = clock_now();
  if (!hosted.is_listed) learn(call->symbol, ended - began);
  if (!hosted_finish(&hosted, &reply)) answers_reply(call->id, &reply, &calls.library->limits, began, ended);
  invoke_release(calls.library->release, &reply);
  crash_leave();
  invoke_scratch_trim(scratch);
}

void execute_start(const library *library, shared_file *shared, double clock_ahead) {
  calls.library = library;
  calls.shared = shared;
  calls.clock_ahead = clock_ahead;
  hosted_start(library, shared);
  calls.typical = calloc(library->symbol_count + 1, sizeof *calls.typical);
  if (calls.typical == NULL) fault("out of memory");
  for (uint32_t i = 0; i < library->symbol_count; i++) atomic_init(&calls.typical[i], UNKNOWN);
}
