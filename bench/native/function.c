/* A native function as a program writes it by hand: a string in, the handler, a string out. */
#include <dlserve.h>
#include <node_api.h>
#include <stdlib.h>

char *GETSmallHandler(const char *request);
dlserve_free PluginFree;

static napi_value small(napi_env env, napi_callback_info info) {
  size_t count = 1, length;
  napi_value argument, reply = NULL;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (napi_get_value_string_utf8(env, argument, NULL, 0, &length) != napi_ok) return NULL;
  char *request = malloc(length + 1);
  if (request == NULL) return NULL;
  napi_get_value_string_utf8(env, argument, request, length + 1, &length);
  char *given = GETSmallHandler(request);
  free(request);
  if (given != NULL) napi_create_string_utf8(env, given, NAPI_AUTO_LENGTH, &reply);
  PluginFree(given);
  return reply;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "small", NAPI_AUTO_LENGTH, small, NULL, &function);
  napi_set_named_property(env, exports, "small", function);
  return exports;
}
