#include "threads.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "memory.h"

#define SMALL_STACK (64u * 1024u)
#define WORKER_STACK (8u * 1024u * 1024u)

_Thread_local int threads_is_worker;

static int start(void *(*run)(void *), size_t stack) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack);
  int error = pthread_create(&thread, &attributes, run, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

/* Returns an error of pthread_create, or 0. */
static int start_small(void *(*run)(void *)) {
  sigset_t all, before;
  size_t least = (size_t)PTHREAD_STACK_MIN;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = start(run, least > SMALL_STACK ? least : SMALL_STACK);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

void threads_start_small(void *(*run)(void *)) {
  int error = start_small(run);
  if (error != 0) fault_of_system("no thread could be started: %s", strerror(error));
}

int threads_try_small(void *(*run)(void *)) { return start_small(run) == 0; }

size_t threads_worker_size(void) { return WORKER_STACK + (size_t)sysconf(_SC_PAGESIZE); }

int threads_start_worker(void *(*run)(void *)) {
  memory_allow_more(threads_worker_size());
  if (start(run, WORKER_STACK) == 0) return 1;
  memory_allow_less(threads_worker_size());
  return 0;
}
