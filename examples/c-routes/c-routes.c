/* A plugin that is started and stopped, and has a route of its own. Compiled to lib/c-routes.so, it answers
 *
 *     curl http://127.0.0.1:3000/greetings/Ada
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlserve.h"

/* What stands in the place of {name}: JSON, in which the host has escaped what must be. */
static const char *name_in(const char *lent_request, int *length) {
  static const char key[] = "\"name\":\"";
  const char *name = strstr(lent_request, key);
  if (name == NULL) return NULL;
  name += strlen(key);
  const char *end = name;
  while (*end != '"' && *end != '\0') end += *end == '\\' ? 2 : 1;
  *length = (int)(end - name);
  return name;
}

/* Any exported function can answer a route: it need not be named like a handler. */
DLSERVE_EXPORT char *greet(const char *lent_request, int *status) {
  int length = 0;
  const char *name = name_in(lent_request, &length);
  if (name == NULL) {
    *status = 400;
    return strdup("{\"error\":\"no name\"}");
  }
  size_t size = (size_t)length + sizeof("{\"greeting\":\"Hello, !\"}");
  char *reply = malloc(size);
  if (reply != NULL) snprintf(reply, size, "{\"greeting\":\"Hello, %.*s!\"}", length, name);
  return reply;
}

DLSERVE_EXPORT void PluginFree(void *given) { free(given); }

static const char *name(void) { return "Greetings"; }

/* Opens what the plugin needs; where it can't, it says why, and the plugin is not served. */
static int start(const char *lent_config, char **given_error) {
  (void)lent_config;
  (void)given_error;
  return 0;
}

static int stop(char **given_error) {
  (void)given_error;
  return 0;
}

static const char *routes(void) { return "[{\"method\":\"GET\",\"path\":\"/greetings/{name}\",\"handler\":\"greet\"}]"; }

DLSERVE_EXPORT const dlserve_plugin PluginFactory = {
  .size = sizeof(dlserve_plugin),
  .abi = DLSERVE_ABI,
  .name = name,
  .start = start,
  .stop = stop,
  .routes = routes,
};
