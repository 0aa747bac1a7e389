/* stream_calls.h - what JavaScript says to a call that is in its handler, or was kept. */
#ifndef DLSERVE_STREAM_CALLS_H
#define DLSERVE_STREAM_CALLS_H

#include "environment.h"

/* Ended by one without a name. */
extern const exported stream_calls[];

#endif
