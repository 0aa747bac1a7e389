/* Counts how often each request was begun, and how often it was ended, in a file that outlives this process: byte 2n and
 * byte 2n + 1 for request n. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static uint8_t *tally;
static uint64_t tally_size;

/* The number behind a key of the query: `"n":["` of {"url_query":{"n":["17"]}}. */
static inline long tally_number(const char *request, const char *key) {
  const char *start = strstr(request, key);
  return start == NULL ? -1 : atol(start + strlen(key));
}

/* lent_config: {"tally":"/path"}. Returns 0 when the file is there to be written. */
static inline int tally_open(const char *lent_config) {
  const char *start = strstr(lent_config, "\"tally\":\"");
  if (start == NULL) return 1;
  char *path = strdup(start + 9);
  path[strcspn(path, "\"")] = '\0';
  int fd = open(path, O_RDWR | O_CLOEXEC);
  free(path);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) return 1;
  tally_size = (uint64_t)status.st_size;
  tally = mmap(NULL, tally_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return tally == MAP_FAILED;
}

static inline void tally_count(long n, int ended) {
  uint64_t at = 2 * (uint64_t)n + (uint64_t)ended;
  if (n < 0 || at >= tally_size) abort();
  __atomic_fetch_add(&tally[at], 1, __ATOMIC_RELAXED);
}
