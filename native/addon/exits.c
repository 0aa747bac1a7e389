#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* siginfo_t */
#endif
#include "exits.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "exit_queue.h"
#include "signals.h"

#define STACK_SIZE (256u * 1024u)

struct exits {
  napi_threadsafe_function wake;
  pthread_mutex_t gate;
  int is_gone;            /* the environment has ended: it is not to be told any more */
  _Atomic int references; /* the environment's and one of each process */
};

typedef struct {
  exits *owner;
  exit_watch watch;
} child;

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static int has_thread;

static void release(exits *exits) {
  if (atomic_fetch_sub(&exits->references, 1) != 1) return;
  pthread_mutex_destroy(&exits->gate);
  free(exits);
}

static int wait_for(pid_t process, siginfo_t *end, int options) {
  int got;
  do got = waitid(P_PID, (id_t)process, end, WEXITED | options);
  while (got != 0 && errno == EINTR);
  return got;
}

/* Frees the id of a process that has ended. */
static void let_go(child *child) {
  siginfo_t end;
  wait_for(child->watch.process, &end, 0);
  release(child->owner);
  free(child);
}

static napi_value number_or_null(napi_env env, int is_number, int number) {
  napi_value value = NULL;
  if (is_number) napi_create_int32(env, number, &value);
  else napi_get_null(env, &value);
  return value;
}

/* On the event loop's thread. `env` is NULL while Node ends. */
static void on_wake(napi_env env, napi_value callback, void *context, void *data) {
  (void)context;
  child *child = data;
  siginfo_t end = {0};
  if (env != NULL) {
    const int is_known = wait_for(child->watch.process, &end, WNOWAIT) == 0;
    const int is_exit = end.si_code == CLD_EXITED;
    napi_value arguments[3] = {number_or_null(env, 1, (int)child->watch.process), number_or_null(env, is_known && is_exit, end.si_status),
                               number_or_null(env, is_known && !is_exit, end.si_status)};
    napi_value global;
    napi_get_global(env, &global);
    napi_call_function(env, global, callback, 3, arguments, NULL);
  }
  let_go(child);
}

/* From any thread. */
static void report(child *child) {
  exits *owner = child->owner;
  pthread_mutex_lock(&owner->gate);
  const int is_told = !owner->is_gone && napi_call_threadsafe_function(owner->wake, child, napi_tsfn_nonblocking) == napi_ok;
  pthread_mutex_unlock(&owner->gate);
  if (!is_told) let_go(child);
}

static void *watch(void *unused) {
  (void)unused;
  for (;;) {
    exit_watch *ended = exit_queue_next();
    report((child *)((char *)ended - offsetof(child, watch)));
  }
  return NULL;
}

/* One thread of the process watches for all environments. 0 or errno. */
static int start_thread(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_mutex_lock(&starting);
  int error = has_thread ? 0 : exit_queue_open();
  if (error == 0 && !has_thread) {
    error = signals_start_thread(&thread, &attributes, watch, NULL);
    has_thread = error == 0;
  }
  pthread_mutex_unlock(&starting);
  pthread_attr_destroy(&attributes);
  return error < 0 ? ENOMEM : error;
}

/* The environment ends. Of its processes, those that still run end as they find that nobody is at the other end of their sockets. */
static void leave(void *data) {
  exits *exits = data;
  pthread_mutex_lock(&exits->gate);
  exits->is_gone = 1;
  pthread_mutex_unlock(&exits->gate);
  release(exits);
}

exits *exits_create(napi_env env, napi_value callback) {
  errno = start_thread();
  if (errno != 0) return NULL;
  exits *created = calloc(1, sizeof *created);
  if (created == NULL) return NULL;
  pthread_mutex_init(&created->gate, NULL);
  created->references = 1;
  napi_value name;
  if (napi_create_string_utf8(env, "dlserve exits", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, NULL, on_wake, &created->wake) != napi_ok) {
    release(created);
    errno = ENOMEM;
    return NULL;
  }
  napi_unref_threadsafe_function(env, created->wake);
  /* Hooks run last first: this one before Node closes what wakes it. */
  napi_add_env_cleanup_hook(env, leave, created);
  return created;
}

int exits_watch(exits *exits, pid_t process) {
  child *watched = calloc(1, sizeof *watched);
  int error = ENOMEM;
  if (watched != NULL) {
    *watched = (child){.owner = exits, .watch = {.process = process}};
    atomic_fetch_add(&exits->references, 1);
    error = exit_queue_add(&watched->watch);
    if (error == 0) return 0;
    /* It has ended already. */
    if (error == ESRCH) {
      report(watched);
      return 0;
    }
    release(exits);
    free(watched);
  }
  kill(process, SIGKILL);
  siginfo_t end;
  wait_for(process, &end, 0);
  return error;
}
