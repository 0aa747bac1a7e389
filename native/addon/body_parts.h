/* body_parts.h - a request's body that is a list of Buffers in JavaScript. */
#ifndef DLSERVE_BODY_PARTS_H
#define DLSERVE_BODY_PARTS_H

#include <node_api.h>
#include <stddef.h>

/* How many bytes they have together. 0 with an exception where the list holds something else. */
int body_parts_measure(napi_env env, napi_value list, size_t *length);

/* Copies them, one behind the other, to where so many bytes fit. */
void body_parts_copy(napi_env env, napi_value list, void *to);

#endif
