#include "body_parts.h"

#include <stdint.h>
#include <string.h>

int body_parts_measure(napi_env env, napi_value list, size_t *length) {
  uint32_t count = 0;
  *length = 0;
  napi_get_array_length(env, list, &count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value part;
    size_t bytes;
    if (napi_get_element(env, list, i, &part) != napi_ok || napi_get_buffer_info(env, part, NULL, &bytes) != napi_ok) {
      napi_throw_type_error(env, NULL, "a part of the body is no Buffer");
      return 0;
    }
    *length += bytes;
  }
  return 1;
}

void body_parts_copy(napi_env env, napi_value list, void *to) {
  uint8_t *at = to;
  uint32_t count = 0;
  napi_get_array_length(env, list, &count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value part;
    void *bytes;
    size_t length;
    napi_get_element(env, list, i, &part);
    if (napi_get_buffer_info(env, part, &bytes, &length) != napi_ok || length == 0) continue;
    memcpy(at, bytes, length);
    at += length;
  }
}
