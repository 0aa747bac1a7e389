/* c-ask.c - a plugin that asks the host. Compiled to lib/c-ask.so, it answers
 *
 *     curl 'http://127.0.0.1:3000/_PLUGIN/c-ask/Visits'
 */
#include <dlserve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* It needs a host with services: one of ABI 2. */
DLSERVE_EXPORT uint32_t PluginABI(void) { return DLSERVE_ABI; }

/* What is asked for, or NULL: then the log says why not. The answer is lent, until the next question. */
static const char *ask(dlserve_exchange *exchange, const char *service, const char *params) {
  const char *answer;
  if (dlserve_ask(exchange, service, params, &answer) == DLSERVE_OK) return answer;
  dlserve_log(exchange, DLSERVE_ERROR, answer);
  return NULL;
}

/* GET /_PLUGIN/c-ask/Visits: counts, and has another plugin greet. Server processes, crashes and reloads don't disturb the count. */
DLSERVE_EXPORT char *GETVisitsHandler(const char *request, int *status, dlserve_exchange *exchange) {
  (void)request;
  char line[64];
  const char *visits = ask(exchange, "state", "{\"op\":\"increment\",\"key\":\"visits\"}");
  if (visits == NULL) {
    *status = 503;
    return strdup("{\"error\":\"nobody counts today\"}");
  }
  snprintf(line, sizeof line, "visit %s", visits);
  dlserve_log(exchange, DLSERVE_INFO, line);

  char count[32];
  snprintf(count, sizeof count, "%s", visits);
  const char *greeting = ask(exchange, "call", "{\"plugin\":\"c-hello\",\"func\":\"Hello\",\"query\":{\"name\":\"Ada\"}}");
  if (greeting == NULL) greeting = "null";
  size_t size = strlen(count) + strlen(greeting) + 64;
  char *reply = malloc(size);
  if (reply != NULL) snprintf(reply, size, "{\"visits\":%s,\"greeting\":%s}", count, greeting);
  return reply;
}

DLSERVE_EXPORT void PluginFree(void *given) { free(given); }
