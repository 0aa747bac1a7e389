#include "watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include "threads.h"

#define PAUSE_NANOSECONDS 1000000
/* So many looks at nothing, and it goes to sleep. */
#define IDLE_LOOKS 20

static struct {
  watch_look *first, *second;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  atomic_int awake;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static int look(void) {
  int first = watch.first();
  return watch.second() || first;
}

void watch_wake(void) {
  /* One of the two comes first. Where this does, the watch's last look sees what was left behind; else its sleep is seen here. */
  if (atomic_fetch_or(&watch.awake, 0)) return;
  pthread_mutex_lock(&watch.lock);
  atomic_store(&watch.awake, 1);
  pthread_cond_signal(&watch.wake);
  pthread_mutex_unlock(&watch.lock);
}

static void *run(void *unused) {
  (void)unused;
  const struct timespec pause = {.tv_nsec = PAUSE_NANOSECONDS};
  for (;;) {
    pthread_mutex_lock(&watch.lock);
    while (!atomic_load(&watch.awake)) pthread_cond_wait(&watch.wake, &watch.lock);
    pthread_mutex_unlock(&watch.lock);
    for (int idle = 0; idle < IDLE_LOOKS; idle++) {
      nanosleep(&pause, NULL);
      if (look()) idle = 0;
    }
    atomic_exchange(&watch.awake, 0);
    if (look()) atomic_store(&watch.awake, 1);
  }
  return NULL;
}

void watch_start(watch_look *first, watch_look *second) {
  watch.first = first;
  watch.second = second;
  threads_start_small(run);
}
