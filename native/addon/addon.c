/* addon.c - the module, and what JavaScript can call of it besides lane_calls.c and process_calls.c; src/runtimes/native/addon.ts and
 * src/runtimes/supervised/process-addon.ts have the same as types, and are the only callers. Numbers that JavaScript gives are checked, so that a mistake there is an exception and not a crash. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr, RTLD_NODELETE */
#endif
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#endif

#include "alone.h"
#include "area.h"
#include "claims.h"
#include "deliver.h"
#include "environment.h"
#include "lane_calls.h"
#include "performance.h"
#include "process_calls.h"
#include "room.h"
#include "stream_calls.h"
#include "symbols.h"

/* More than V8 lets grow unseen. */
#define RELIEF_PRESSURE (INT64_C(1) << 30)

/* attachStatus(fd) */
static napi_value attach_status(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here = take_arguments(env, info, 1, arguments);
  int32_t descriptor;
  if (here == NULL || napi_get_value_int32(env, arguments[0], &descriptor) != napi_ok) return NULL;
  status_page *page = status_attach(descriptor);
  if (page == NULL) return throw(env, strerror(errno));
  here->status = page;
  return NULL;
}

/* endWithParent(): the system kills this process when its parent ends; no event loop has to be free for that */
static napi_value end_with_parent(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  return NULL;
}

/* createHub(callback, records, bodies, headers, now, mostReply, mostHeaders): id */
static napi_value create_hub(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  environment *here = take_arguments(env, info, 7, arguments);
  if (here == NULL) return NULL;
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

  hub *hub = hub_create(env, arguments[0], deliver);
  int32_t id = hub == NULL ? -1 : environment_add_hub(here, hub);
  if (id == -1) return throw(env, "no hub could be made");
  hub->records = records;
  hub->performance_origin = performance_origin(now);
  hub->most_reply = (size_t)most_reply;
  hub->most_headers = (size_t)most_headers;
  hub->status = here->status;
  hub->inline_running = status_claim(hub->status);
  napi_create_reference(env, arguments[1], 1, &hub->records_ref);
  napi_create_reference(env, arguments[2], 1, &hub->bodies_ref);
  napi_create_reference(env, arguments[3], 1, &hub->headers_ref);
  return int_value(env, id);
}

/* claim(identity): whether this thread is now the owner of a library */
static napi_value claim(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here = take_arguments(env, info, 1, arguments);
  size_t length;
  if (here == NULL || !take_text(env, arguments[0], &here->text, &length)) return NULL;
  return bool_value(env, claims_take(here->text.owned));
}

/* unclaim(identity) */
static napi_value unclaim(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here = take_arguments(env, info, 1, arguments);
  size_t length;
  if (here != NULL && take_text(env, arguments[0], &here->text, &length)) claims_drop(here->text.owned);
  return NULL;
}

/* bindOwn(path): binds the references of a library that is open in this thread's way to its own symbols, see symbols.h */
static napi_value bind_own(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here = take_arguments(env, info, 1, arguments);
  size_t length;
  if (here == NULL || !take_text(env, arguments[0], &here->text, &length)) return NULL;
  void *library = dlopen(here->text.owned, RTLD_NOW | RTLD_NOLOAD);
  if (library == NULL) return throw(env, dlerror());
  symbols_bind_own(library);
  dlclose(library);
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

/* mayWait(): whether it makes sense to wait actively */
static napi_value may_wait(napi_env env, napi_callback_info info) {
  (void)info;
  return bool_value(env, alone_may_wait());
}

/* awaitEvent(microseconds): whether something has happened to the event loop, other than timers */
static napi_value await_event(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  double microseconds = 0;
  if (take_arguments(env, info, 1, arguments) == NULL) return NULL;
  napi_get_value_double(env, arguments[0], &microseconds);
  return bool_value(env, alone_await_event(env, microseconds));
}

/* When the worker thread that loaded the addon ends, Node.js unmaps it; threads that hang in a handler still need it. */
static void stay_mapped(void) {
  static const char here;
  Dl_info addon;
  if (dladdr(&here, &addon) != 0) dlopen(addon.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

static const exported own_calls[] = {
  {"attachStatus", attach_status},
  {"endWithParent", end_with_parent},
  {"createHub", create_hub},
  {"claim", claim},
  {"unclaim", unclaim},
  {"bindOwn", bind_own},
  {"relieveMemory", relieve_memory},
  {"mayWait", may_wait},
  {"awaitEvent", await_event},
  {NULL, NULL},
};

static int export(napi_env env, napi_value exports, environment *here, const exported *calls) {
  for (; calls->name != NULL; calls++) {
    napi_value function;
    if (napi_create_function(env, calls->name, NAPI_AUTO_LENGTH, calls->function, here, &function) != napi_ok) return 0;
    if (napi_set_named_property(env, exports, calls->name, function) != napi_ok) return 0;
  }
  return 1;
}

NAPI_MODULE_INIT() {
  stay_mapped();
  environment *here = environment_create(env);
  if (here == NULL) return throw(env, "out of memory");
  const exported *const groups[] = {own_calls, lane_calls, stream_calls, process_calls, area_calls, room_calls};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    if (!export(env, exports, here, groups[i])) return NULL;
  }
  return exports;
}
