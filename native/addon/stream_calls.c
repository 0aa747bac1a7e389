#include "stream_calls.h"

#include <string.h>

#include "job.h"

/* As take_lane, for a function whose second argument is the slot of a call. NULL where that is none any more. */
static stream *take_stream(napi_env env, napi_callback_info info, size_t count, napi_value *arguments, environment **here) {
  lane *lane = take_lane(env, info, count, arguments, here);
  if (lane == NULL) return NULL;
  int32_t slot = -1;
  napi_get_value_int32(env, arguments[1], &slot);
  job *call = lane_call(lane, slot);
  return call == NULL ? NULL : &call->stream;
}

/* credit(lane, slot, bytes): see STREAM_PIECE_COST */
static napi_value credit(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  environment *here;
  stream *stream = take_stream(env, info, 3, arguments, &here);
  double bytes = 0;
  if (stream == NULL) return NULL;
  napi_get_value_double(env, arguments[2], &bytes);
  stream_credit(stream, bytes > 0 ? (size_t)bytes : 0);
  return NULL;
}

/* feed(lane, slot, bytes): whether more are wanted */
static napi_value feed(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  environment *here;
  stream *stream = take_stream(env, info, 3, arguments, &here);
  void *bytes = NULL;
  size_t length = 0;
  if (stream == NULL) return NULL;
  if (napi_get_buffer_info(env, arguments[2], &bytes, &length) != napi_ok) return throw(env, "the part is no Buffer");
  int wants = stream_feed(stream, bytes, length);
  return wants == -1 ? throw(env, "out of memory") : bool_value(env, wants);
}

/* feedEnd(lane, slot, isBroken) */
static napi_value feed_end(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  environment *here;
  stream *stream = take_stream(env, info, 3, arguments, &here);
  bool is_broken = false;
  if (stream == NULL) return NULL;
  napi_get_value_bool(env, arguments[2], &is_broken);
  stream_feed_end(stream, is_broken);
  return NULL;
}

/* answer(lane, slot, isOk, json) */
static napi_value answer(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  environment *here;
  stream *stream = take_stream(env, info, 4, arguments, &here);
  bool is_ok = false;
  size_t length;
  if (stream == NULL || !take_text(env, arguments[3], &here->text, &length)) return NULL;
  napi_get_value_bool(env, arguments[2], &is_ok);
  char *owned_json = strdup(here->text.owned);
  if (owned_json == NULL) return throw(env, "out of memory");
  stream_answer(stream, is_ok, owned_json);
  return NULL;
}

const exported stream_calls[] = {
  {"credit", credit},
  {"feed", feed},
  {"feedEnd", feed_end},
  {"answer", answer},
  {NULL, NULL},
};
