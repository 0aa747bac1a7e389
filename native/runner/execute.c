#include "execute.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../invoke/clock.h"
#include "answers.h"
#include "crash.h"
#include "fault.h"
#include "guard.h"
#include "replies.h"

/* Microseconds that a handler is taken for that was never called. */
#define UNKNOWN 1000

/* The largest number of milliseconds that an f64 holds exactly; a deadline beyond is none. */
#define LAST_TIME 9007199254740992.0

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

static int is_cancelled(uint64_t id) {
  return atomic_load(&calls.shared->cancelled[id % PROTOCOL_MOST_CANCELLED]) == (uint32_t)(id / PROTOCOL_MOST_CANCELLED + 1);
}

void execute_call(const frames_call *call, int lost, invoke_scratch *scratch) {
  double began = clock_now();
  if (is_cancelled(call->id) || began - calls.clock_ahead >= call->deadline) {
    answers_none(call->id, PROTOCOL_OUTCOME_SKIPPED, began);
    return;
  }
  const invoke_request request = {
    .lent_head = call->lent_head,
    .head_length = call->head_length,
    .lent_body = call->lent_body,
    .body_length = call->body_length,
    .has_body = call->has_body,
    .deadline_unix_ms = call->deadline_unix < LAST_TIME ? (int64_t)call->deadline_unix : INT64_MAX,
  };
  const char *text = lost ? NULL : invoke_text(scratch, &request);
  if (text == NULL) {
    answers_none(call->id, PROTOCOL_OUTCOME_NO_MEMORY, began);
    return;
  }
  invoke_reply reply;
  replies_leave();
  crash_enter(call->id, call->symbol);
  invoke_call(calls.library->handlers[call->symbol], text, &request, &reply);
  if (guard_is_fork()) _exit(0);
  double ended = clock_now();
  learn(call->symbol, ended - began);
  answers_reply(call->id, &reply, &calls.library->limits, began, ended);
  invoke_release(calls.library->release, &reply);
  crash_leave();
  invoke_scratch_trim(scratch);
}

void execute_start(const library *library, shared_file *shared, double clock_ahead) {
  calls.library = library;
  calls.shared = shared;
  calls.clock_ahead = clock_ahead;
  calls.typical = calloc(library->symbol_count + 1, sizeof *calls.typical);
  if (calls.typical == NULL) fault("out of memory");
  for (uint32_t i = 0; i < library->symbol_count; i++) atomic_init(&calls.typical[i], UNKNOWN);
}
