/* A handler that waits for something, as one that asks a database does. Any number of them may wait at once. */
#include <dlserve.h>
#include <time.h>

DLSERVE_EXPORT char *GETSleepHandler(void) {
  struct timespec left = {.tv_nsec = 100 * 1000 * 1000};
  while (nanosleep(&left, &left) != 0) continue;
  return "{}";
}

DLSERVE_EXPORT int PluginConcurrency(void) {
  return 0;
}
