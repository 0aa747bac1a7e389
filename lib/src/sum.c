/* GET /_PLUGIN/sum/Sum?n=1&n=2&n=39 answers {"sum":42}, and the sum of no numbers is 0.
 *
 * The smallest kind of plugin: C, no JSON library. It looks for the numbers in the request's JSON by itself:
 * {"http_vars":{...},"url_query":{"n":["1","2","39"]},...}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlserve.h"

DLSERVE_EXPORT char *GETSumHandler(const char *request, int *status) {
  const char *query = strstr(request, "\"url_query\":{");
  const char *numbers = query ? strstr(query, "\"n\":[") : NULL;
  long long sum = 0;
  for (const char *at = numbers ? numbers + strlen("\"n\":[") : ""; *at == '"' || *at == ',';) {
    if (*at == ',') {
      at++;
      continue;
    }
    char *end;
    long long n = strtoll(at + 1, &end, 10);
    if (end == at + 1 || *end != '"' || __builtin_add_overflow(sum, n, &sum)) {
      *status = 400;
      return strdup("{\"error\":\"n must be a whole number, and not too large\"}");
    }
    at = end + 1;
  }

  char *reply = malloc(64);
  if (reply != NULL) snprintf(reply, 64, "{\"sum\":%lld}", sum);
  return reply;
}

/* What a handler returns is freed with this, by the host, as soon as it has made its copy. */
DLSERVE_EXPORT void PluginFree(void *given) { free(given); }

/* Nothing above is shared between calls, so any number of them may run at once. */
DLSERVE_EXPORT int PluginConcurrency(void) { return 0; }
