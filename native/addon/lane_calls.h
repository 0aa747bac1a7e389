/* lane_calls.h - what JavaScript can do with a library: open its lane, give it jobs, take them back, close it. */
#ifndef DLSERVE_LANE_CALLS_H
#define DLSERVE_LANE_CALLS_H

#include "environment.h"

/* Ended by one without a name. */
extern const exported lane_calls[];

#endif
