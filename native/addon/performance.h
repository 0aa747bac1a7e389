/* performance.h - performance.now() of one JavaScript environment, read without JavaScript. */
#ifndef DLSERVE_PERFORMANCE_H
#define DLSERVE_PERFORMANCE_H

#include <stdint.h>

#include "../invoke/clock.h"

/* On Linux, the clocks of the kernel's last tick, at most some milliseconds ago: a third of what the exact ones cost, and a
 * deadline needs no more. Both show the same tick, so the distance between them is exact. */
#ifdef __linux__
#define PERFORMANCE_CLOCK CLOCK_MONOTONIC_COARSE
#define PERFORMANCE_CALENDAR CLOCK_REALTIME_COARSE
#else
#define PERFORMANCE_CLOCK CLOCK_NODE
#define PERFORMANCE_CALENDAR CLOCK_REALTIME
#endif

/* The origin of performance.now(), given what it reads at this moment. */
static inline double performance_origin(double performance_now) { return clock_now() - performance_now; }

/* What performance.now() read a moment ago. */
static inline double performance_now(double origin) { return clock_milliseconds(PERFORMANCE_CLOCK) - origin; }

/* A deadline of performance.now() on the calendar's clock, in whole milliseconds since 1970. */
static inline int64_t performance_unix_deadline(double deadline, double now) {
  double at = clock_milliseconds(PERFORMANCE_CALENDAR) + (deadline - now);
  return at < 9e15 ? (int64_t)(at + 0.5) : INT64_MAX;
}

#endif
