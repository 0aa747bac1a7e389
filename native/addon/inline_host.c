#include "inline_host.h"

#include <stdlib.h>
#include <string.h>

#include "../invoke/clock.h"

static inline_exchange *own(dlserve_exchange *exchange) { return (inline_exchange *)(void *)exchange; }

static int has_had_its_time(const dlserve_exchange *exchange) { return clock_unix(0) >= exchange->deadline_unix_ms; }

int inline_append(inline_exchange *exchange, const void *bytes, size_t length) {
  size_t needed = exchange->length + length;
  if (needed > exchange->capacity && needed <= exchange->most_reply) {
    size_t capacity = exchange->capacity * 2 > needed ? exchange->capacity * 2 : needed;
    char *grown = realloc(exchange->owned_bytes, capacity);
    if (grown != NULL) {
      exchange->owned_bytes = grown;
      exchange->capacity = capacity;
    }
  }
  if (needed > exchange->capacity) exchange->is_short = 1;
  else if (length > 0) memcpy(exchange->owned_bytes + exchange->length, bytes, length);
  exchange->length = needed;
  return !exchange->is_short;
}

static int begin_reply(inline_exchange *exchange) {
  const char *headers = exchange->call.exchange.given_reply_headers;
  if (headers != NULL && (exchange->owned_headers = strdup(headers)) == NULL) return 0;
  exchange->head_status = exchange->call.status;
  exchange->has_begun = 1;
  return 1;
}

static int host_write(dlserve_exchange *exchange, const void *lent_part, size_t length) {
  inline_exchange *call = own(exchange);
  if (has_had_its_time(exchange)) return DLSERVE_GONE;
  if (!call->has_begun && !begin_reply(call)) return DLSERVE_NO_MEMORY;
  if (call->is_short) return DLSERVE_NO_MEMORY;
  return inline_append(call, lent_part, length) ? DLSERVE_OK : DLSERVE_NO_MEMORY;
}

static int64_t host_read(dlserve_exchange *exchange, void *buffer, size_t capacity) {
  inline_exchange *call = own(exchange);
  size_t left = call->body_length - call->cursor;
  size_t taken = left < capacity ? left : capacity;
  if (taken > 0) memcpy(buffer, call->lent_body + call->cursor, taken);
  call->cursor += taken;
  return (int64_t)taken;
}

static int host_is_cancelled(dlserve_exchange *exchange) { return has_had_its_time(exchange); }

static int host_ask(dlserve_exchange *exchange, const char *lent_service, const char *lent_params, const char **lent_answer) {
  (void)exchange;
  (void)lent_service;
  (void)lent_params;
  if (lent_answer != NULL) {
    *lent_answer =
      "{\"code\":\"UNAVAILABLE\",\"message\":\"a handler in mode inline can't wait for the host, which waits for it: use mode thread or process\"}";
  }
  return DLSERVE_UNAVAILABLE;
}

static void host_log(dlserve_exchange *exchange, int level, const char *lent_text) {
  inline_exchange *call = own(exchange);
  size_t length = strlen(lent_text);
  pthread_mutex_lock(&call->lock);
  if (++call->line_count <= INLINE_LINES) {
    inline_line *line = malloc(sizeof *line + length + 1);
    if (line != NULL) {
      line->next = NULL;
      line->level = level;
      memcpy(line->text, lent_text, length + 1);
      *call->last_line = line;
      call->last_line = &line->next;
    }
  }
  pthread_mutex_unlock(&call->lock);
}

static dlserve_exchange *host_keep(dlserve_exchange *exchange) {
  (void)exchange;
  return NULL;
}

static void host_end(dlserve_exchange *kept, int broken) {
  (void)kept;
  (void)broken;
}

const dlserve_host inline_host = {
  .size = sizeof(dlserve_host),
  .write = host_write,
  .read = host_read,
  .is_cancelled = host_is_cancelled,
  .ask = host_ask,
  .log = host_log,
  .keep = host_keep,
  .end = host_end,
};

void inline_begin(inline_exchange *exchange, const invoke_request *request, size_t most_reply) {
  memset(exchange, 0, sizeof *exchange);
  exchange->most_reply = most_reply;
  exchange->lent_body = request->lent_body;
  exchange->body_length = request->has_body ? request->body_length : 0;
  exchange->last_line = &exchange->first_line;
  pthread_mutex_init(&exchange->lock, NULL);
  invoke_begin(&exchange->call, request, &inline_host);
}

napi_value inline_lines(napi_env env, inline_exchange *exchange) {
  napi_value list, value;
  uint32_t count = 0;
  if (exchange->line_count == 0 || napi_create_array(env, &list) != napi_ok) return NULL;
  for (inline_line *line = exchange->first_line; line != NULL; line = line->next) {
    if (napi_create_int32(env, line->level, &value) != napi_ok || napi_set_element(env, list, count++, value) != napi_ok) return NULL;
    if (napi_create_string_utf8(env, line->text, NAPI_AUTO_LENGTH, &value) != napi_ok || napi_set_element(env, list, count++, value) != napi_ok) return NULL;
  }
  int lost = exchange->line_count - (int)count / 2;
  if (napi_create_int32(env, lost, &value) != napi_ok || napi_set_element(env, list, count, value) != napi_ok) return NULL;
  return list;
}

void inline_end(inline_exchange *exchange) {
  while (exchange->first_line != NULL) {
    inline_line *next = exchange->first_line->next;
    free(exchange->first_line);
    exchange->first_line = next;
  }
  free(exchange->owned_headers);
  free(exchange->owned_bytes);
  pthread_mutex_destroy(&exchange->lock);
}
