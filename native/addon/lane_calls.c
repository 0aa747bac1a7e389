#include "lane_calls.h"

#include <stdlib.h>

#include "alone.h"
#include "body_parts.h"
#include "inline.h"
#include "job.h"
#include "room.h"

/* openLane(hub, name, symbols, handlers): id; `symbols` are those of the handlers, so many, and after them what life_label names */
static napi_value open_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  environment *here;
  hub *hub = take_hub(env, info, 4, arguments, &here);
  uint32_t handlers;
  if (hub == NULL || napi_get_value_uint32(env, arguments[3], &handlers) != napi_ok) return NULL;
  lane *lane = lane_create(hub, handlers);
  if (lane == NULL) return throw(env, "out of memory");
  lane->id = environment_add_lane(here, lane);
  if (lane->id == -1) {
    lane_release(lane);
    return throw(env, "out of memory");
  }
  lane->first_label = label_symbols(env, hub->status, arguments[1], arguments[2]);
  return int_value(env, lane->id);
}

/* bindLane(lane, handlers, release, init, stop); functions are addresses, 0n where there is none */
static napi_value bind_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  environment *here;
  lane *lane = take_lane(env, info, 5, arguments, &here);
  if (lane == NULL) return NULL;
  uint32_t count;
  dlserve_handler **handlers = (dlserve_handler **)address_list(env, arguments[1], &count);
  if (handlers == NULL) return NULL;
  if (count != lane->handler_count || lane->handlers != NULL) {
    free(handlers);
    return throw(env, "not the handlers of this lane");
  }
  lane->handlers = handlers;
  lane->release = (dlserve_free *)address(env, arguments[2]);
  lane->init = (dlserve_init *)address(env, arguments[3]);
  lane->stop = (dlserve_stop *)address(env, arguments[4]);
  return NULL;
}

/* limitLane(lane, threads) */
static napi_value limit_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  environment *here;
  lane *lane = take_lane(env, info, 2, arguments, &here);
  int32_t threads = 0;
  if (lane == NULL) return NULL;
  napi_get_value_int32(env, arguments[1], &threads);
  if (threads < 1 || !lane_limit(lane, threads)) throw(env, "the lane can't have so many threads");
  return NULL;
}

/* `job` may be NULL. Returns its slot, or -1 when memory is out. */
static napi_value submit_job(napi_env env, lane *lane, job *job, uint32_t symbol) {
  if (job == NULL) return int_value(env, -1);
  job->symbol = symbol;
  int32_t slot = lane_submit(lane, job);
  if (slot == -1) job_free(job);
  return int_value(env, slot);
}

/* From here on a body that lies in a room is not copied. */
#define LEAST_LENT (16u * 1024u)

/* submit(lane, symbol, request, body, ownAt, timeout, beginBy, hasInput): slot, or -1 when memory is out */
static napi_value submit(napi_env env, napi_callback_info info) {
  napi_value arguments[8];
  environment *here;
  lane *lane = take_lane(env, info, 8, arguments, &here);
  if (lane == NULL) return NULL;
  call_arguments call;
  double begin_by;
  bool has_input = false;
  if (lane->handlers == NULL) return throw(env, "the lane has no handlers yet");
  if (!take_call(env, arguments + 1, lane->handler_count, &here->text, &call)) return NULL;
  if (!take_time(env, arguments[6], &begin_by)) return NULL;
  napi_get_value_bool(env, arguments[7], &has_input);
  room *room = call.body_length >= LEAST_LENT && call.parts == NULL ? room_hold(env, arguments[3]) : NULL;
  const int is_lent = room != NULL;
  job *job = job_create(JOB_CALL, call.head, call.head_length, is_lent ? NULL : call.body, is_lent ? 0 : call.body_length);
  if (job == NULL) {
    room_release(room);
  } else {
    if (call.parts != NULL) body_parts_copy(env, call.parts, job->bytes + job->head_length + 1);
    if (is_lent) {
      job->held_room = room;
      job->lent_request_body = call.body;
      job->request_body_length = call.body_length;
    }
    job->has_request_body = call.has_body;
    job->is_complete = call.is_complete;
    job->own_at = call.own_at;
    job->timeout = call.timeout;
    job->begin_by = begin_by;
    job->stream.input = has_input ? INPUT_OPEN : INPUT_NONE;
  }
  return submit_job(env, lane, job, call.symbol);
}

/* load(lane, path, bindsOwn): slot, or -1 */
static napi_value load(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  environment *here;
  lane *lane = take_lane(env, info, 3, arguments, &here);
  size_t length;
  bool binds_own = false;
  if (lane == NULL || !take_text(env, arguments[1], &here->text, &length)) return NULL;
  napi_get_value_bool(env, arguments[2], &binds_own);
  job *job = job_create(JOB_LOAD, here->text.owned, length, NULL, 0);
  if (job != NULL) job->binds_own = binds_own;
  return submit_job(env, lane, job, lane->handler_count + LIFE_LOAD);
}

/* number(lane, function, label): slot, or -1 */
static napi_value number(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  environment *here;
  lane *lane = take_lane(env, info, 3, arguments, &here);
  uint32_t label = 0;
  if (lane == NULL || napi_get_value_uint32(env, arguments[2], &label) != napi_ok) return NULL;
  job_number *function = (job_number *)address(env, arguments[1]);
  if (function == NULL || label > LIFE_BODY) return throw(env, "no such function");
  job *job = job_create(JOB_NUMBER, "", 0, NULL, 0);
  if (job != NULL) job->number = function;
  return submit_job(env, lane, job, lane->handler_count + label);
}

/* init(lane, config): slot, or -1 */
static napi_value init(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  environment *here;
  lane *lane = take_lane(env, info, 2, arguments, &here);
  size_t length;
  if (lane == NULL) return NULL;
  if (lane->init == NULL) return throw(env, "the library has no PluginInit");
  if (!take_text(env, arguments[1], &here->text, &length)) return NULL;
  return submit_job(env, lane, job_create(JOB_INIT, here->text.owned, length, NULL, 0), lane->handler_count + LIFE_INIT);
}

/* run(lane, kind, function, label, config): slot, or -1; kind is JOB_START, JOB_END or JOB_TEXT, config what a JOB_START gets */
static napi_value run(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  environment *here;
  lane *lane = take_lane(env, info, 5, arguments, &here);
  uint32_t kind = 0;
  uint32_t label = 0;
  size_t length;
  if (lane == NULL || napi_get_value_uint32(env, arguments[1], &kind) != napi_ok) return NULL;
  if (napi_get_value_uint32(env, arguments[3], &label) != napi_ok || !take_text(env, arguments[4], &here->text, &length)) return NULL;
  job_function *function = (job_function *)address(env, arguments[2]);
  if (function == NULL || label > LIFE_OWN_ROUTES || kind < JOB_START || kind > JOB_TEXT) return throw(env, "no such function");
  job *job = job_create((enum job_kind)kind, here->text.owned, length, NULL, 0);
  if (job != NULL) job->function = function;
  return submit_job(env, lane, job, lane->handler_count + label);
}

/* stop(lane): slot, or -1 */
static napi_value stop(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here;
  lane *lane = take_lane(env, info, 1, arguments, &here);
  if (lane == NULL) return NULL;
  if (lane->stop == NULL) return throw(env, "the library has no PluginStop");
  return submit_job(env, lane, job_create(JOB_STOP, "", 0, NULL, 0), lane->handler_count + LIFE_STOP);
}

/* invoke(lane, symbol, request, body, ownAt, timeout): the reply's body; the rest is in the first record */
static napi_value invoke(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  environment *here;
  lane *lane = take_lane(env, info, 6, arguments, &here);
  if (lane == NULL) return NULL;
  call_arguments call;
  if (lane->handlers == NULL) return throw(env, "the lane has no handlers yet");
  if (!take_call(env, arguments + 1, lane->handler_count, &here->text, &call)) return NULL;
  return invoke_inline(env, lane, &call);
}

/* flush(hub): whether just one job is under way */
static napi_value flush(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here;
  hub *hub = take_hub(env, info, 1, arguments, &here);
  if (hub == NULL) return NULL;
  lane_flush_all(hub);
  return bool_value(env, hub->expected == 1);
}

/* watch(hub): flushes, and whether await is to follow in this turn of the event loop */
static napi_value watch(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here;
  hub *hub = take_hub(env, info, 1, arguments, &here);
  if (hub == NULL) return NULL;
  /* First, so that what ends at once wakes nobody. */
  int watches = alone_watch(hub);
  lane_flush_all(hub);
  return bool_value(env, watches);
}

/* await(hub, microseconds): whether anything has come back */
static napi_value await(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  environment *here;
  hub *hub = take_hub(env, info, 2, arguments, &here);
  double microseconds = 0;
  if (hub == NULL) return NULL;
  napi_get_value_double(env, arguments[1], &microseconds);
  return bool_value(env, alone_await(env, hub, microseconds));
}

/* begunAt(lane, slot): when, in milliseconds of performance.now(); -1 or Infinity, see addon.ts */
static napi_value begun_at(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  environment *here;
  lane *lane = take_lane(env, info, 2, arguments, &here);
  int32_t slot = -1;
  if (lane == NULL) return NULL;
  napi_get_value_int32(env, arguments[1], &slot);
  napi_value value;
  napi_create_double(env, lane_begun_at(lane, slot), &value);
  return value;
}

/* withdraw(lane, slot, disregards): the job_state that it was found in */
static napi_value withdraw(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  environment *here;
  lane *lane = take_lane(env, info, 3, arguments, &here);
  int32_t slot = -1;
  bool disregards = false;
  if (lane == NULL) return NULL;
  napi_get_value_int32(env, arguments[1], &slot);
  napi_get_value_bool(env, arguments[2], &disregards);
  return int_value(env, (int32_t)lane_withdraw(lane, slot, disregards));
}

/* closeLane(lane, unloads): whether its end will be reported */
static napi_value close_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  environment *here;
  lane *lane = take_lane(env, info, 2, arguments, &here);
  bool unloads = false;
  if (lane == NULL) return NULL;
  napi_get_value_bool(env, arguments[1], &unloads);
  return bool_value(env, lane_close(lane, unloads));
}

/* dropLane(lane): frees a lane that has no threads, or none any more */
static napi_value drop_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here;
  lane *lane = take_lane(env, info, 1, arguments, &here);
  if (lane == NULL) return NULL;
  /* The hub may still have it in its list. */
  lane_flush_all(lane->hub);
  here->lanes[lane->id] = NULL;
  lane_release(lane);
  return NULL;
}

/* abandonLane(lane) */
static napi_value abandon_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here;
  lane *lane = take_lane(env, info, 1, arguments, &here);
  if (lane != NULL) lane_abandon(lane);
  return NULL;
}

const exported lane_calls[] = {
  {"openLane", open_lane},
  {"bindLane", bind_lane},
  {"limitLane", limit_lane},
  {"load", load},
  {"number", number},
  {"init", init},
  {"submit", submit},
  {"flush", flush},
  {"watch", watch},
  {"await", await},
  {"begunAt", begun_at},
  {"withdraw", withdraw},
  {"invoke", invoke},
  {"run", run},
  {"stop", stop},
  {"closeLane", close_lane},
  {"dropLane", drop_lane},
  {"abandonLane", abandon_lane},
  {NULL, NULL},
};
