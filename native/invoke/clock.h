/* clock.h - the clock of Node's performance.now() and process.hrtime(), in milliseconds. */
#ifndef DLSERVE_CLOCK_H
#define DLSERVE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* As libuv reads it: on macOS that is mach_continuous_time, from which CLOCK_MONOTONIC drifts away with each adjustment. */
#ifdef __APPLE__
#define CLOCK_NODE CLOCK_MONOTONIC_RAW
#else
#define CLOCK_NODE CLOCK_MONOTONIC
#endif

/* On Linux, the clocks of the kernel's last tick, at most some milliseconds ago: a third of what the exact ones cost, and a
 * deadline needs no more. Both show the same tick, so the distance between them is exact. */
#ifdef __linux__
#define CLOCK_TICK CLOCK_MONOTONIC_COARSE
#define CLOCK_CALENDAR CLOCK_REALTIME_COARSE
#else
#define CLOCK_TICK CLOCK_NODE
#define CLOCK_CALENDAR CLOCK_REALTIME
#endif

static inline double clock_milliseconds(clockid_t id) {
  struct timespec at;
  clock_gettime(id, &at);
  return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static inline double clock_now(void) { return clock_milliseconds(CLOCK_NODE); }

static inline double clock_earlier(double a, double b) { return a < b ? a : b; }

/* The calendar's time in so many milliseconds from the last tick, in whole ones since 1970. */
static inline int64_t clock_unix(double from_tick) {
  double at = clock_milliseconds(CLOCK_CALENDAR) + from_tick;
  return at < 9e15 ? (int64_t)(at + 0.5) : INT64_MAX;
}

#endif
