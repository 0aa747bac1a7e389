#include "memory.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "fault.h"

/* On Linux, RLIMIT_DATA counts the private memory that can be written (since 4.7); RLIMIT_AS would also count what is only
 * reserved, of which a Go runtime alone takes more than most limits. */
#ifdef __linux__
#define RESOURCE RLIMIT_DATA
#else
#define RESOURCE RLIMIT_AS
#endif

static double limit, more;

static rlim_t smaller(double wanted, rlim_t most) { return wanted < (double)most ? (rlim_t)wanted : most; }

/* The hard limit can be lowered, and never raised again: it leaves room for all that may still come. */
static int apply(double most_more) {
  struct rlimit now;
  if (limit <= 0) return 0;
  if (getrlimit(RESOURCE, &now) != 0) return -1;
  now.rlim_max = smaller(limit + most_more, now.rlim_max);
  now.rlim_cur = smaller(limit + more, now.rlim_max);
  return setrlimit(RESOURCE, &now);
}

void memory_limit(double bytes, double most_more) {
  limit = bytes;
  if (apply(most_more) != 0) fault("the memory limit can't be set: %s", strerror(errno));
}

void memory_limit_more(double most_more) { apply(most_more); }

void memory_allow_more(size_t bytes) {
  more += (double)bytes;
  apply(HUGE_VAL);
}

void memory_allow_less(size_t bytes) {
  more -= (double)bytes;
  apply(HUGE_VAL);
}
