/* performance.h - performance.now() of one JavaScript environment, read without JavaScript. */
#ifndef DLSERVE_PERFORMANCE_H
#define DLSERVE_PERFORMANCE_H

#include "../invoke/clock.h"

/* The origin of performance.now(), given what it reads at this moment. */
static inline double performance_origin(double performance_now) { return clock_now() - performance_now; }

/* What performance.now() read a moment ago. */
static inline double performance_now(double origin) { return clock_milliseconds(CLOCK_TICK) - origin; }

#endif
