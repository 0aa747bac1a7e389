/* arguments.h - JavaScript's values as C needs them. Each function throws into JavaScript where a value is not what it must be. */
#ifndef DLSERVE_ARGUMENTS_H
#define DLSERVE_ARGUMENTS_H

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* Memory for text, kept from call to call. Start it with zeros. */
typedef struct {
  char *owned;
  size_t capacity;
} text_room;

/* What a call of a handler needs. The text is the room's, the body is JavaScript's. */
typedef struct {
  uint32_t symbol;
  const char *head;
  size_t head_length;
  int has_body;
  int is_complete; /* see invoke_request */
  const void *body; /* NULL also where it is in parts */
  size_t body_length;
  napi_value parts; /* NULL, or the list of them: see body_parts.h */
  double own_at;  /* when its client stops waiting, in milliseconds of performance.now(); infinite where it never does */
  double timeout; /* milliseconds that it may be in the handler */
} call_arguments;

/* Fetches exactly `count` arguments, and returns the data of the function; NULL with an exception where there are fewer. */
void *take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments);

/* Reads a string as UTF-8, ended by NUL, into the room. 0 with an exception on failure, its code OUT_OF_MEMORY where that is why. */
int take_text(napi_env env, napi_value value, text_room *room, size_t *length);

/* Reads a number of milliseconds. 0 with an exception on failure. */
int take_time(napi_env env, napi_value value, double *time);

/* Reads symbol, request, body, own_at and timeout, in this order. 0 with an exception on failure. */
int take_call(napi_env env, const napi_value *values, uint32_t symbols, text_room *room, call_arguments *call);

/* A bigint as an address; NULL for 0n. */
void *address(napi_env env, napi_value value);

/* A list of bigints as addresses; the caller frees it. NULL with an exception on failure. */
void **address_list(napi_env env, napi_value value, uint32_t *count);

/* Puts a plugin's name and a list of symbols on the status page; returns the first label's number, or 0. */
uint32_t label_symbols(napi_env env, status_page *page, napi_value name, napi_value symbols);

#endif
