#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "alone.h"

#include <poll.h>
#include <sched.h>
#include <unistd.h>
#include <uv.h>

#include "../invoke/clock.h"
#include "lane.h"

/* Looks at memory between two looks at the clock and at the event loop's descriptor, which are calls of the system. */
#define LOOKS 64

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

int alone_may_wait(void) {
#ifdef __linux__
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) == 0) return CPU_COUNT(&processors) > 1;
#endif
  return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

/* The descriptor that can be read from when something has happened to the event loop; -1 where there is none. */
static int events_of(napi_env env) {
  uv_loop_t *loop;
  return napi_get_uv_event_loop(env, &loop) == napi_ok ? uv_backend_fd(loop) : -1;
}

static int has_event(int events) {
  struct pollfd polled = {.fd = events, .events = POLLIN};
  return poll(&polled, 1, 0) != 0;
}

int alone_watch(hub *hub) { return hub->expected == 1 && hub_watch(hub); }

int alone_await(napi_env env, hub *hub, double microseconds) {
  const int events = events_of(env);
  /* One that has gone is not waited for. */
  const double end = hub->expected == 1 && events != -1 ? clock_now() + microseconds / 1e3 : 0;
  while (!hub_has_reported(hub)) {
    for (int i = 0; i < LOOKS && !hub_has_reported(hub); i++) relax();
    if (clock_now() >= end || has_event(events)) break;
  }
  return hub_unwatch(env, hub);
}

int alone_await_event(napi_env env, double microseconds) {
  const int events = events_of(env);
  if (events == -1) return 0;
  const double end = clock_now() + microseconds / 1e3;
  while (!has_event(events)) {
    if (clock_now() >= end) return 0;
    for (int i = 0; i < LOOKS / 4; i++) relax();
  }
  return 1;
}
