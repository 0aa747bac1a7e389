/* deliver.h - what handlers gave, as JavaScript values. */
#ifndef DLSERVE_DELIVER_H
#define DLSERVE_DELIVER_H

#include "hub.h"
#include "job.h"

/* What a hub does with jobs that have come back. */
hub_listener deliver;

/* A reply's body: a string of ASCII characters where it is short, else a Buffer. Where `owned` is the memory of `bytes`, the
 * Buffer may take that over and `owned` becomes NULL. */
napi_status body_value(napi_env env, const char *bytes, size_t length, int is_ascii, char **owned, napi_value *value);

#endif
