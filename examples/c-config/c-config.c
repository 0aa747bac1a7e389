/* c-config.c - is configured by the operator when it is loaded. Compiled to lib/c-config.so, with
 *
 *     [plugin.c-config.config]
 *     greeting = "Good morning"
 *
 * in prest.toml, it answers
 *
 *     curl http://127.0.0.1:3000/_PLUGIN/c-config/Greeting
 */
#include <dlserve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dlserve_init PluginInit;
dlserve_stop PluginStop;
dlserve_free PluginFree;

/* A JSON string with its quotes and escapes. Set by PluginInit, before any handler runs. */
static char *greeting;

/* Called once, after loading. The configuration comes as a JSON object, {"greeting":"Good morning"}, and is lent.
 * A quote inside a string is written \", so "greeting":" is always the key or the end of a longer one. */
DLSERVE_EXPORT int PluginInit(const char *config, char **error) {
  static const char key[] = "\"greeting\":\"";
  const char *found = strstr(config, key);
  if (found == NULL || (found[-1] != '{' && found[-1] != ',')) {
    *error = strdup("set greeting = \"...\" under [plugin.c-config.config]");
    return 1; /* the plugin is not served, and the error is what its callers and the log get */
  }
  const char *value = found + sizeof key - 2;
  const char *end = value + 1;
  while (*end != '"') end += *end == '\\' ? 2 : 1;
  greeting = strndup(value, (size_t)(end + 1 - value));
  return greeting == NULL;
}

/* Called once, when no handler runs any more. */
DLSERVE_EXPORT void PluginStop(void) {
  free(greeting);
  greeting = NULL;
}

/* GET /_PLUGIN/c-config/Greeting */
DLSERVE_EXPORT char *GETGreetingHandler(void) {
  size_t size = sizeof "{\"greeting\":}" + strlen(greeting);
  char *reply = malloc(size);
  if (reply == NULL) return NULL;
  snprintf(reply, size, "{\"greeting\":%s}", greeting);
  return reply;
}

/* Called on replies and on PluginInit's error. */
DLSERVE_EXPORT void PluginFree(void *given) {
  free(given);
}
