/* c-concurrent.c - lets any number of threads in at once. Compiled to lib/c-concurrent.so, it answers
 *
 *     curl http://127.0.0.1:3000/_PLUGIN/c-concurrent/Count
 */
#include <dlserve.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* How many threads may be inside the library at once; 0 is any number. Without this function calls come one by one, and
 * nothing below would have to be atomic. */
DLSERVE_EXPORT int PluginConcurrency(void) {
  return 0;
}

/* Shared by all threads. */
static atomic_ulong calls;

/* GET /_PLUGIN/c-concurrent/Count. Several threads may be here: what they share is atomic, the rest is on their stacks. */
DLSERVE_EXPORT char *GETCountHandler(void) {
  unsigned long count = atomic_fetch_add(&calls, 1) + 1;

  char *reply = malloc(64);
  if (reply == NULL) return NULL;
  snprintf(reply, 64, "{\"count\":%lu}", count);
  return reply;
}

/* Called by several threads at once as well; free can do that. */
DLSERVE_EXPORT void PluginFree(void *given) {
  free(given);
}
