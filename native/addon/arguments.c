#include "arguments.h"

#include <stdlib.h>
#include <string.h>

#include "body_parts.h"

#define FIRST_ROOM (16u * 1024u)

/* Above this many bytes a room is not kept once a text has used it. */
#define ROOM_KEPT (256u * 1024u)

void *take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  size_t given = count;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, &data) == napi_ok && given >= count) return data;
  napi_throw_type_error(env, NULL, "too few arguments");
  return NULL;
}

static int reserve(text_room *room, size_t capacity) {
  if (capacity <= room->capacity) return 1;
  char *grown = realloc(room->owned, capacity);
  if (grown == NULL) return 0;
  room->owned = grown;
  room->capacity = capacity;
  return 1;
}

/* V8 writes whole characters only, so a text that may have been cut leaves up to three bytes and the NUL's free. */
static int is_whole(size_t written, size_t capacity) { return written + 4 < capacity; }

int take_text(napi_env env, napi_value value, text_room *room, size_t *length) {
  if (room->capacity > ROOM_KEPT) {
    free(room->owned);
    *room = (text_room){0};
  }
  if (!reserve(room, FIRST_ROOM)) goto no_memory;
  if (napi_get_value_string_utf8(env, value, room->owned, room->capacity, length) != napi_ok) {
    napi_throw_type_error(env, NULL, "a string is expected");
    return 0;
  }
  if (is_whole(*length, room->capacity)) return 1;
  size_t whole;
  napi_get_value_string_utf8(env, value, NULL, 0, &whole);
  if (!reserve(room, whole + 8)) goto no_memory;
  napi_get_value_string_utf8(env, value, room->owned, room->capacity, length);
  return 1;
no_memory:
  napi_throw_error(env, "OUT_OF_MEMORY", "out of memory");
  return 0;
}

int take_time(napi_env env, napi_value value, double *time) {
  if (napi_get_value_double(env, value, time) == napi_ok) return 1;
  napi_throw_type_error(env, NULL, "a time is expected");
  return 0;
}

int take_call(napi_env env, const napi_value *values, uint32_t symbols, text_room *room, call_arguments *call) {
  if (napi_get_value_uint32(env, values[0], &call->symbol) != napi_ok || call->symbol >= symbols) {
    napi_throw_range_error(env, NULL, "no such handler");
    return 0;
  }
  if (!take_text(env, values[1], room, &call->head_length)) return 0;
  call->head = room->owned;
  call->body = NULL;
  call->body_length = 0;
  call->parts = NULL;
  /* A text that is complete ends with the brace that closes it; one that is not, with the colon before its body. */
  call->is_complete = call->head_length > 0 && call->head[call->head_length - 1] == '}';
  napi_valuetype type = napi_undefined;
  napi_typeof(env, values[2], &type);
  call->has_body = type != napi_null;
  void *body = NULL;
  bool is_list = false;
  if (call->has_body) napi_is_array(env, values[2], &is_list);
  if (is_list) {
    call->parts = values[2];
    if (!body_parts_measure(env, values[2], &call->body_length)) return 0;
  } else if (call->has_body && napi_get_buffer_info(env, values[2], &body, &call->body_length) != napi_ok) {
    napi_throw_type_error(env, NULL, "the body is no Buffer");
    return 0;
  }
  call->body = body;
  return take_time(env, values[3], &call->own_at) && take_time(env, values[4], &call->timeout);
}

void *address(napi_env env, napi_value value) {
  uint64_t bits = 0;
  bool is_lossless;
  napi_get_value_bigint_uint64(env, value, &bits, &is_lossless);
  return (void *)(uintptr_t)bits;
}

void **address_list(napi_env env, napi_value value, uint32_t *count) {
  if (napi_get_array_length(env, value, count) != napi_ok) {
    napi_throw_type_error(env, NULL, "a list of addresses is expected");
    return NULL;
  }
  void **list = calloc(*count + 1, sizeof *list);
  for (uint32_t i = 0; list != NULL && i < *count; i++) {
    napi_value element;
    if (napi_get_element(env, value, i, &element) == napi_ok) list[i] = address(env, element);
    if (list[i] != NULL) continue;
    free(list);
    napi_throw_type_error(env, NULL, "a handler has no address");
    return NULL;
  }
  if (list == NULL) napi_throw_error(env, NULL, "out of memory");
  return list;
}

/* Names are file names and C symbols: far shorter than this, or not worth a label. */
#define NAME_SIZE 256

uint32_t label_symbols(napi_env env, status_page *page, napi_value name, napi_value symbols) {
  uint32_t count = 0;
  if (page == NULL || napi_get_array_length(env, symbols, &count) != napi_ok || count == 0) return 0;
  char plugin[NAME_SIZE] = "";
  napi_get_value_string_utf8(env, name, plugin, sizeof plugin, NULL);
  char(*texts)[NAME_SIZE] = calloc(count, sizeof *texts);
  const char **lent = calloc(count, sizeof *lent);
  uint32_t first = 0;
  if (texts != NULL && lent != NULL) {
    for (uint32_t i = 0; i < count; i++) {
      napi_value element;
      if (napi_get_element(env, symbols, i, &element) == napi_ok) {
        napi_get_value_string_utf8(env, element, texts[i], NAME_SIZE, NULL);
      }
      lent[i] = texts[i];
    }
    first = status_label(page, plugin, lent, count);
  }
  free(texts);
  free(lent);
  return first;
}
