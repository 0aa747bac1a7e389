/* host.h - the functions of the host, as a handler has them. */
#ifndef DLSERVE_RUNNER_HOST_H
#define DLSERVE_RUNNER_HOST_H

#include "../include/dlserve.h"

extern const dlserve_host host_functions;

#endif
