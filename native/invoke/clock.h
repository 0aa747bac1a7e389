/* clock.h - the clock of Node's performance.now() and process.hrtime(), in milliseconds. */
#ifndef DLSERVE_CLOCK_H
#define DLSERVE_CLOCK_H

#include <time.h>

/* As libuv reads it: on macOS that is mach_continuous_time, from which CLOCK_MONOTONIC drifts away with each adjustment. */
#ifdef __APPLE__
#define CLOCK_NODE CLOCK_MONOTONIC_RAW
#else
#define CLOCK_NODE CLOCK_MONOTONIC
#endif

static inline double clock_milliseconds(clockid_t id) {
  struct timespec at;
  clock_gettime(id, &at);
  return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static inline double clock_now(void) { return clock_milliseconds(CLOCK_NODE); }

#endif
