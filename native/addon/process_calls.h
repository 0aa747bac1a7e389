/* process_calls.h - what JavaScript can call of the addon to start processes and to share memory with them. */
#ifndef DLSERVE_PROCESS_CALLS_H
#define DLSERVE_PROCESS_CALLS_H

#include "environment.h"

/* Ended by one without a name. */
extern const exported process_calls[];

#endif
