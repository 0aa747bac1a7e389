/* addon.c - what JavaScript can call; src/runtimes/native/addon.ts has the same as types, and is the only caller. Numbers
 * that JavaScript gives are checked here, so that a mistake there is an exception and not a crash. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr, RTLD_NODELETE */
#endif
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "arguments.h"
#include "claims.h"
#include "deliver.h"
#include "hub.h"
#include "inline.h"
#include "job.h"
#include "lane.h"
#include "performance.h"
#include "status.h"
#include "symbols.h"

/* More than V8 lets grow unseen. */
#define RELIEF_PRESSURE (INT64_C(1) << 30)

/* What belongs to one JavaScript environment: the main thread's, or a worker's. Hubs and lanes are known to JavaScript by
 * their places here, which are never given twice. */
typedef struct {
  hub **hubs;
  int32_t hub_count;
  lane **lanes;
  int32_t lane_count;
  status_page *status;
  text_room text;
} instance;

static void *throw(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

static hub *hub_argument(napi_env env, const instance *instance, napi_value value) {
  int32_t id = -1;
  napi_get_value_int32(env, value, &id);
  return id >= 0 && id < instance->hub_count ? instance->hubs[id] : throw(env, "no such hub");
}

static lane *lane_argument(napi_env env, const instance *instance, napi_value value) {
  int32_t id = -1;
  napi_get_value_int32(env, value, &id);
  lane *lane = id >= 0 && id < instance->lane_count ? instance->lanes[id] : NULL;
  return lane != NULL ? lane : throw(env, "no such lane");
}

static napi_value int_value(napi_env env, int32_t number) {
  napi_value value = NULL;
  napi_create_int32(env, number, &value);
  return value;
}

/* attachStatus(fd) */
static napi_value attach_status(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  instance *instance = take_arguments(env, info, 1, arguments);
  int32_t descriptor;
  if (instance == NULL || napi_get_value_int32(env, arguments[0], &descriptor) != napi_ok) return NULL;
  status_page *page = status_attach(descriptor);
  if (page == NULL) return throw(env, strerror(errno));
  instance->status = page;
  return NULL;
}

/* createHub(callback, records, bodies, headers, now, mostReply, mostHeaders): id */
static napi_value create_hub(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  instance *instance = take_arguments(env, info, 7, arguments);
  if (instance == NULL) return NULL;
  napi_typedarray_type type;
  size_t length = 0;
  void *records = NULL;
  double now = 0;
  double most_reply = 0;
  double most_headers = 0;
  napi_get_typedarray_info(env, arguments[1], &type, &length, &records, NULL, NULL);
  if (records == NULL || type != napi_int32_array || length < HUB_BATCH * RECORD_FIELDS) return throw(env, "records are too few");
  if (napi_get_value_double(env, arguments[4], &now) != napi_ok) return throw(env, "no time");
  if (napi_get_value_double(env, arguments[5], &most_reply) != napi_ok) return throw(env, "no limit");
  if (napi_get_value_double(env, arguments[6], &most_headers) != napi_ok) return throw(env, "no limit");

  hub **hubs = realloc(instance->hubs, (size_t)(instance->hub_count + 1) * sizeof *hubs);
  if (hubs == NULL) return throw(env, "out of memory");
  instance->hubs = hubs;
  hub *hub = hub_create(env, arguments[0], deliver);
  if (hub == NULL) return throw(env, "no hub could be made");
  hub->records = records;
  hub->performance_origin = performance_origin(now);
  hub->most_reply = (size_t)most_reply;
  hub->most_headers = (size_t)most_headers;
  hub->status = instance->status;
  hub->inline_running = status_claim(hub->status);
  napi_create_reference(env, arguments[1], 1, &hub->records_ref);
  napi_create_reference(env, arguments[2], 1, &hub->bodies_ref);
  napi_create_reference(env, arguments[3], 1, &hub->headers_ref);
  hubs[instance->hub_count] = hub;
  return int_value(env, instance->hub_count++);
}

/* openLane(hub, name, symbols, handlers): id; `symbols` are those of the handlers, so many, and after them what life_label names */
static napi_value open_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  instance *instance = take_arguments(env, info, 4, arguments);
  hub *hub = instance == NULL ? NULL : hub_argument(env, instance, arguments[0]);
  uint32_t handlers;
  if (hub == NULL || napi_get_value_uint32(env, arguments[3], &handlers) != napi_ok) return NULL;
  lane **lanes = realloc(instance->lanes, (size_t)(instance->lane_count + 1) * sizeof *lanes);
  if (lanes == NULL) return throw(env, "out of memory");
  instance->lanes = lanes;
  lane *lane = lane_create(hub, handlers);
  if (lane == NULL) return throw(env, "out of memory");
  lane->id = instance->lane_count;
  lane->first_label = label_symbols(env, hub->status, arguments[1], arguments[2]);
  lanes[instance->lane_count] = lane;
  return int_value(env, instance->lane_count++);
}

/* bindLane(lane, handlers, release, init, stop); functions are addresses, 0n where there is none */
static napi_value bind_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  instance *instance = take_arguments(env, info, 5, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
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
  instance *instance = take_arguments(env, info, 2, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  int32_t threads = 0;
  if (lane == NULL) return NULL;
  napi_get_value_int32(env, arguments[1], &threads);
  if (threads < 1 || !lane_limit(lane, threads)) throw(env, "the lane can't have so many threads");
  return NULL;
}

static napi_value submit_job(napi_env env, lane *lane, job *job, uint32_t symbol) {
  if (job == NULL) return int_value(env, -1);
  job->symbol = symbol;
  int32_t slot = lane_submit(lane, job);
  if (slot == -1) job_free(job);
  return int_value(env, slot);
}

/* submit(lane, symbol, request, body, deadline): slot, or -1 when memory is out */
static napi_value submit(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  instance *instance = take_arguments(env, info, 5, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  if (lane == NULL) return NULL;
  call_arguments call;
  if (lane->handlers == NULL) return throw(env, "the lane has no handlers yet");
  if (!take_call(env, arguments + 1, lane->handler_count, &instance->text, &call)) return NULL;
  job *job = job_create(JOB_CALL, call.head, call.head_length, call.body, call.body_length);
  if (job != NULL) {
    job->has_request_body = call.has_body;
    job->deadline = call.deadline;
  }
  return submit_job(env, lane, job, call.symbol);
}

/* load(lane, path, bindsOwn): slot */
static napi_value load(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  instance *instance = take_arguments(env, info, 3, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  size_t length;
  bool binds_own = false;
  if (lane == NULL || !take_text(env, arguments[1], &instance->text, &length)) return NULL;
  napi_get_value_bool(env, arguments[2], &binds_own);
  job *job = job_create(JOB_LOAD, instance->text.owned, length, NULL, 0);
  if (job != NULL) job->binds_own = binds_own;
  return submit_job(env, lane, job, lane->handler_count + LIFE_LOAD);
}

/* number(lane, function, label): slot */
static napi_value number(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  instance *instance = take_arguments(env, info, 3, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  uint32_t label = 0;
  if (lane == NULL || napi_get_value_uint32(env, arguments[2], &label) != napi_ok) return NULL;
  job_number *function = (job_number *)address(env, arguments[1]);
  if (function == NULL || label > LIFE_STOP) return throw(env, "no such function");
  job *job = job_create(JOB_NUMBER, "", 0, NULL, 0);
  if (job != NULL) job->number = function;
  return submit_job(env, lane, job, lane->handler_count + label);
}

/* init(lane, config): slot */
static napi_value init(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  instance *instance = take_arguments(env, info, 2, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  size_t length;
  if (lane == NULL) return NULL;
  if (lane->init == NULL) return throw(env, "the library has no PluginInit");
  if (!take_text(env, arguments[1], &instance->text, &length)) return NULL;
  return submit_job(env, lane, job_create(JOB_INIT, instance->text.owned, length, NULL, 0), lane->handler_count + LIFE_INIT);
}

/* stop(lane): slot */
static napi_value stop(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  instance *instance = take_arguments(env, info, 1, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  if (lane == NULL) return NULL;
  if (lane->stop == NULL) return throw(env, "the library has no PluginStop");
  return submit_job(env, lane, job_create(JOB_STOP, "", 0, NULL, 0), lane->handler_count + LIFE_STOP);
}

/* claim(identity): whether this thread is now the owner of a library */
static napi_value claim(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  napi_value value = NULL;
  instance *instance = take_arguments(env, info, 1, arguments);
  size_t length;
  if (instance == NULL || !take_text(env, arguments[0], &instance->text, &length)) return NULL;
  napi_get_boolean(env, claims_take(instance->text.owned), &value);
  return value;
}

/* unclaim(identity) */
static napi_value unclaim(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  instance *instance = take_arguments(env, info, 1, arguments);
  size_t length;
  if (instance != NULL && take_text(env, arguments[0], &instance->text, &length)) claims_drop(instance->text.owned);
  return NULL;
}

/* relieveMemory(): collects garbage, and returns to the system what is free of it */
static napi_value relieve_memory(napi_env env, napi_callback_info info) {
  (void)info;
  /* Told of so much memory outside, V8 collects; it forgets at once. */
  int64_t told;
  napi_adjust_external_memory(env, RELIEF_PRESSURE, &told);
  napi_adjust_external_memory(env, -RELIEF_PRESSURE, &told);
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  return NULL;
}

/* bindOwn(path): binds the references of a library that is open in this thread's way to its own symbols, see symbols.h */
static napi_value bind_own(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  instance *instance = take_arguments(env, info, 1, arguments);
  size_t length;
  if (instance == NULL || !take_text(env, arguments[0], &instance->text, &length)) return NULL;
  void *library = dlopen(instance->text.owned, RTLD_NOW | RTLD_NOLOAD);
  if (library == NULL) return throw(env, dlerror());
  symbols_bind_own(library);
  dlclose(library);
  return NULL;
}

/* flush(hub) */
static napi_value flush(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  instance *instance = take_arguments(env, info, 1, arguments);
  hub *hub = instance == NULL ? NULL : hub_argument(env, instance, arguments[0]);
  if (hub != NULL) lane_flush_all(hub);
  return NULL;
}

/* withdraw(lane, slot): the job_state that it was found in */
static napi_value withdraw(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  instance *instance = take_arguments(env, info, 2, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  int32_t slot = -1;
  if (lane == NULL) return NULL;
  napi_get_value_int32(env, arguments[1], &slot);
  return int_value(env, (int32_t)lane_withdraw(lane, slot));
}

/* closeLane(lane, unloads): whether its end will be reported */
static napi_value close_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  napi_value value = NULL;
  instance *instance = take_arguments(env, info, 2, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  bool unloads = false;
  if (lane == NULL) return NULL;
  napi_get_value_bool(env, arguments[1], &unloads);
  napi_get_boolean(env, lane_close(lane, unloads), &value);
  return value;
}

/* dropLane(lane): frees a lane that has no threads, or none any more */
static napi_value drop_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  instance *instance = take_arguments(env, info, 1, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  if (lane == NULL) return NULL;
  /* The hub may still have it in its list. */
  lane_flush_all(lane->hub);
  instance->lanes[lane->id] = NULL;
  lane_release(lane);
  return NULL;
}

/* abandonLane(lane) */
static napi_value abandon_lane(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  instance *instance = take_arguments(env, info, 1, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  if (lane != NULL) lane_abandon(lane);
  return NULL;
}

/* invoke(lane, symbol, request, body, deadline): the reply's body; the rest is in the first record */
static napi_value invoke(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  instance *instance = take_arguments(env, info, 5, arguments);
  lane *lane = instance == NULL ? NULL : lane_argument(env, instance, arguments[0]);
  if (lane == NULL) return NULL;
  call_arguments call;
  if (lane->handlers == NULL) return throw(env, "the lane has no handlers yet");
  if (!take_call(env, arguments + 1, lane->handler_count, &instance->text, &call)) return NULL;
  return invoke_inline(env, lane, &call);
}

static void leave(void *data) {
  instance *instance = data;
  for (int32_t i = 0; i < instance->lane_count; i++) {
    if (instance->lanes[i] != NULL) lane_leave(instance->lanes[i]);
  }
  free(instance->lanes);
  free(instance->hubs);
  free(instance->text.owned);
  free(instance);
}

/* When the worker thread that loaded the addon ends, Node.js unmaps it; threads that hang in a handler still need it. */
static void stay_mapped(void) {
  static const char here;
  Dl_info addon;
  if (dladdr(&here, &addon) != 0) dlopen(addon.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

NAPI_MODULE_INIT() {
  stay_mapped();
  instance *created = calloc(1, sizeof *created);
  if (created == NULL) return throw(env, "out of memory");
  static const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
    {"attachStatus", attach_status}, {"createHub", create_hub}, {"openLane", open_lane}, {"bindLane", bind_lane},
    {"limitLane", limit_lane},       {"submit", submit},        {"load", load},          {"number", number},
    {"init", init},                  {"stop", stop},            {"bindOwn", bind_own},   {"flush", flush},
    {"withdraw", withdraw},          {"closeLane", close_lane}, {"dropLane", drop_lane}, {"abandonLane", abandon_lane},
    {"claim", claim},                {"unclaim", unclaim},      {"invoke", invoke},      {"relieveMemory", relieve_memory},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, created, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
      return NULL;
    }
  }
  napi_add_env_cleanup_hook(env, leave, created);
  return exports;
}
