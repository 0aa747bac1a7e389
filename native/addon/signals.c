#include "signals.h"

#include <signal.h>
#include <stdlib.h>

typedef struct {
  void *(*run)(void *);
  void *argument;
} start;

static _Thread_local int is_ours;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sigset_t blocked;

static void in_fork(void) {
  if (is_ours) pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
}

static void prepare(void) {
  static const int kept[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGURG, SIGPROF};
  sigfillset(&blocked);
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) sigdelset(&blocked, kept[i]);
  pthread_atfork(NULL, NULL, in_fork);
}

static void *begin(void *argument) {
  start given = *(start *)argument;
  free(argument);
  is_ours = 1;
  return given.run(given.argument);
}

int signals_start_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  pthread_once(&once, prepare);
  start *given = malloc(sizeof *given);
  if (given == NULL) return -1;
  *given = (start){.run = run, .argument = argument};
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  int error = pthread_create(thread, attributes, begin, given);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) free(given);
  return error;
}
