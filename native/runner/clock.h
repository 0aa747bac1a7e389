/* clock.h - the monotonic clock, in milliseconds. */
#ifndef DLSERVE_CLOCK_H
#define DLSERVE_CLOCK_H

#include <time.h>

static inline double clock_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

#endif
