#include "hub.h"

#include <stdlib.h>

#include "job.h"

/* Stands where a list is empty whose first job wakes nobody. */
static job watched;

/* Newest first becomes oldest first. */
static job *take_reported(hub *hub) {
  job *newest = atomic_exchange_explicit(&hub->reported, NULL, memory_order_acquire);
  job *oldest = NULL;
  while (newest != NULL && newest != &watched) {
    job *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

/* On the event loop's thread, once for each time that `reported` stopped being empty. `env` is NULL while Node ends. */
static void on_wake(napi_env env, napi_value callback, void *context, void *data) {
  (void)data;
  hub *hub = context;
  if (env != NULL) hub->listener(env, callback, hub, take_reported(hub));
}

/* The environment ends. */
static void leave(void *data) {
  hub *hub = data;
  pthread_mutex_lock(&hub->gate);
  hub->is_gone = 1;
  pthread_mutex_unlock(&hub->gate);
  hub_release(hub);
}

hub *hub_create(napi_env env, napi_value callback, hub_listener *listener) {
  hub *created = calloc(1, sizeof *created);
  if (created == NULL) return NULL;
  created->env = env;
  created->listener = listener;
  created->references = 1;
  pthread_mutex_init(&created->gate, NULL);
  napi_value name;
  if (napi_create_string_utf8(env, "dlserve", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, created, on_wake, &created->wake) != napi_ok) {
    hub_release(created);
    return NULL;
  }
  napi_unref_threadsafe_function(env, created->wake);
  napi_create_reference(env, callback, 1, &created->callback_ref);
  /* Hooks run last first: this one before Node closes what wakes it. */
  napi_add_env_cleanup_hook(env, leave, created);
  return created;
}

void hub_hold(hub *hub) { atomic_fetch_add(&hub->references, 1); }

void hub_release(hub *hub) {
  if (atomic_fetch_sub(&hub->references, 1) != 1) return;
  for (job *left = take_reported(hub); left != NULL;) {
    job *next = left->next;
    job_free(left);
    left = next;
  }
  free(hub->inline_scratch.owned_text);
  pthread_mutex_destroy(&hub->gate);
  free(hub);
}

void hub_report(hub *hub, job *job) {
  struct job *before = atomic_load_explicit(&hub->reported, memory_order_relaxed);
  do {
    job->next = before;
  } while (!atomic_compare_exchange_weak_explicit(&hub->reported, &before, job, memory_order_release, memory_order_relaxed));
  if (before != NULL) return;
  pthread_mutex_lock(&hub->gate);
  if (!hub->is_gone) napi_call_threadsafe_function(hub->wake, NULL, napi_tsfn_nonblocking);
  pthread_mutex_unlock(&hub->gate);
}

int hub_watch(hub *hub) {
  job *none = NULL;
  return atomic_compare_exchange_strong_explicit(&hub->reported, &none, &watched, memory_order_relaxed, memory_order_relaxed);
}

int hub_has_reported(hub *hub) { return atomic_load_explicit(&hub->reported, memory_order_relaxed) != &watched; }

int hub_unwatch(napi_env env, hub *hub) {
  napi_value callback;
  if (napi_get_reference_value(env, hub->callback_ref, &callback) != napi_ok) return 0;
  job *first = take_reported(hub);
  if (first == NULL) return 0;
  hub->listener(env, callback, hub, first);
  return 1;
}

void hub_expect(hub *hub) {
  if (hub->expected++ == 0) napi_ref_threadsafe_function(hub->env, hub->wake);
}

void hub_expect_less(hub *hub) {
  if (--hub->expected == 0) napi_unref_threadsafe_function(hub->env, hub->wake);
}
