#include "inline.h"

#include <string.h>

#include "deliver.h"
#include "inline_host.h"
#include "performance.h"

static napi_value fail(napi_env env, hub *hub, enum job_outcome outcome, double number) {
  napi_value value = NULL;
  hub->records[2] = (int32_t)outcome;
  napi_create_double(env, number, &value);
  return value;
}

/* The values of a reply, made before the library gets its memory back. The bytes may be `owned`, see body_value. */
static napi_value reply_values(napi_env env, hub *hub, const invoke_reply *reply, char **owned) {
  enum job_outcome outcome = job_size_outcome(hub, reply);
  if (outcome == OUTCOME_HEADERS_TOO_LARGE) return fail(env, hub, outcome, (double)reply->headers_length);
  if (outcome != OUTCOME_REPLY) return fail(env, hub, outcome, (double)(reply->body_length + reply->headers_length));
  hub->records[2] = OUTCOME_REPLY;
  hub->records[3] = reply->status;
  napi_value body, text, headers;
  if (!reply->has_body) napi_get_null(env, &body);
  else if (body_value(env, reply->given_body, reply->body_length, reply->is_ascii, owned, &body) != napi_ok) return NULL;
  if (reply->given_headers != NULL) {
    hub->records[2] |= RECORD_HAS_HEADERS;
    napi_get_reference_value(env, hub->headers_ref, &headers);
    if (napi_create_string_latin1(env, reply->given_headers, reply->headers_length, &text) != napi_ok) return NULL;
    if (napi_set_element(env, headers, 0, text) != napi_ok) return NULL;
  }
  return body;
}

/* The same of a reply in parts, the last of which is what the handler gave in the end: it leaves as a whole. */
static napi_value gathered_values(napi_env env, hub *hub, inline_exchange *exchange, const invoke_reply *last) {
  if (last->status >= 500 && last->status != exchange->head_status) return fail(env, hub, OUTCOME_BROKEN, 0);
  inline_append(exchange, last->given_body, last->body_length);
  invoke_reply whole = {
    .status = exchange->head_status,
    .has_body = 1,
    .given_body = exchange->length == 0 ? "" : exchange->owned_bytes,
    .body_length = exchange->length,
    .given_headers = exchange->owned_headers,
    .headers_length = exchange->owned_headers == NULL ? 0 : strlen(exchange->owned_headers),
  };
  if (exchange->is_short && job_size_outcome(hub, &whole) == OUTCOME_REPLY) return fail(env, hub, OUTCOME_NO_MEMORY, 0);
  return reply_values(env, hub, &whole, &exchange->owned_bytes);
}

/* Leaves the lines that the handler wrote to the log, if any, beside the headers. */
static void hand_over_lines(napi_env env, hub *hub, inline_exchange *exchange) {
  napi_value headers;
  napi_value lines = inline_lines(env, exchange);
  if (lines == NULL || napi_get_reference_value(env, hub->headers_ref, &headers) != napi_ok) return;
  if (napi_set_element(env, headers, 1, lines) == napi_ok) hub->records[2] |= RECORD_HAS_LINES;
}

napi_value invoke_inline(napi_env env, lane *lane, const call_arguments *call) {
  hub *hub = lane->hub;
  double now = performance_now(hub->performance_origin);
  if (call->own_at <= now) return fail(env, hub, OUTCOME_TOO_LATE, 0);
  invoke_request request = {
    .lent_head = call->head,
    .head_length = call->head_length,
    .lent_body = call->body,
    .body_length = call->body_length,
    .has_body = call->has_body,
    .is_complete = call->is_complete,
    .deadline_unix_ms = clock_unix(clock_earlier(call->own_at - now, call->timeout)),
  };
  const char *text = call->has_body && !call->is_complete ? invoke_text(&hub->inline_scratch, &request) : call->head;
  if (text == NULL) return fail(env, hub, OUTCOME_NO_MEMORY, 0);
  inline_exchange exchange;
  invoke_reply reply;
  inline_begin(&exchange, &request, hub->most_reply);
  status_begin_turn(hub->inline_running, lane->first_label, call->symbol, &hub->inline_turn);
  invoke_call(lane->handlers[call->symbol], text, &exchange.call, &reply);
  napi_value body = exchange.has_begun ? gathered_values(env, hub, &exchange, &reply) : reply_values(env, hub, &reply, NULL);
  hand_over_lines(env, hub, &exchange);
  inline_end(&exchange);
  invoke_release(lane->release, &reply);
  status_end(hub->inline_running);
  invoke_scratch_trim(&hub->inline_scratch);
  return body;
}
