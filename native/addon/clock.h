/* clock.h - performance.now() of one JavaScript environment, read without JavaScript. */
#ifndef DLSERVE_CLOCK_H
#define DLSERVE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* The clocks of the kernel's last tick, at most some milliseconds ago: a third of what the exact ones cost, and a deadline needs
 * no more. Both show the same tick, so the distance between them is exact. */
#if defined(CLOCK_MONOTONIC_COARSE) && defined(CLOCK_REALTIME_COARSE)
#define CLOCK_STEADY CLOCK_MONOTONIC_COARSE
#define CLOCK_CALENDAR CLOCK_REALTIME_COARSE
#else
#define CLOCK_STEADY CLOCK_MONOTONIC
#define CLOCK_CALENDAR CLOCK_REALTIME
#endif

static inline double clock_milliseconds(clockid_t id) {
  struct timespec at;
  clock_gettime(id, &at);
  return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

/* The origin of performance.now(), given what it reads at this moment. */
static inline double clock_origin(double performance_now) { return clock_milliseconds(CLOCK_MONOTONIC) - performance_now; }

/* What performance.now() read a moment ago. */
static inline double clock_now(double origin) { return clock_milliseconds(CLOCK_STEADY) - origin; }

/* A deadline of performance.now() on the calendar's clock, in whole milliseconds since 1970. */
static inline int64_t clock_unix_deadline(double deadline, double now) {
  double at = clock_milliseconds(CLOCK_CALENDAR) + (deadline - now);
  return at < 9e15 ? (int64_t)(at + 0.5) : INT64_MAX;
}

#endif
