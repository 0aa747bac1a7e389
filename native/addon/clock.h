/* clock.h - performance.now() of one JavaScript environment, read without JavaScript. */
#ifndef DLSERVE_CLOCK_H
#define DLSERVE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline double clock_milliseconds(clockid_t id) {
  struct timespec at;
  clock_gettime(id, &at);
  return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

/* The origin of performance.now(), given what it reads at this moment. */
static inline double clock_origin(double performance_now) {
  return clock_milliseconds(CLOCK_MONOTONIC) - performance_now;
}

/* What performance.now() reads at this moment. */
static inline double clock_now(double origin) { return clock_milliseconds(CLOCK_MONOTONIC) - origin; }

/* A deadline of performance.now() on the calendar's clock, in whole milliseconds since 1970. */
static inline int64_t clock_unix_deadline(double deadline, double now) {
  double at = clock_milliseconds(CLOCK_REALTIME) + (deadline - now);
  return at < 9e15 ? (int64_t)(at + 0.5) : INT64_MAX;
}

#endif
