#include "asking.h"

#include <stdlib.h>
#include <string.h>

#include "../invoke/clock.h"
#include "control.h"
#include "guard.h"
#include "replies.h"
#include "says.h"

#define OVER "{\"code\":\"TIMEOUT\",\"message\":\"the time of this call is over\"}"
#define NO_MEMORY "{\"code\":\"OUT_OF_MEMORY\",\"message\":\"there is no memory for the answer\"}"
#define TOO_LARGE "{\"code\":\"BODY_TOO_LARGE\",\"message\":\"a plugin may ask with 16 MiB of parameters at most\"}"

/* Whether its time is over. One whose client has left goes on, and may ask. */
static int is_over(hosted *call) { return (atomic_load(&call->gone) & PROTOCOL_CREDIT_OVER) != 0; }

int asking_ask(dlserve_exchange *exchange, const char *lent_service, const char *lent_params, const char **lent_answer) {
  hosted *own = (hosted *)exchange;
  const char *params = lent_params == NULL ? "null" : lent_params;
  *lent_answer = OVER;
  if (guard_is_fork() || is_over(own)) return DLSERVE_GONE;
  *lent_answer = TOO_LARGE;
  if (strlen(lent_service) + strlen(params) + 2 > PROTOCOL_MOST_ASKED) return DLSERVE_FAILED;
  *lent_answer = NO_MEMORY;
  if (!control_list(own)) return DLSERVE_NO_MEMORY;
  hosted_ask *ask = &own->ask;
  pthread_mutex_lock(&control_lock);
  free(ask->owned_json);
  ask->owned_json = NULL;
  /* The handler's exchange and the one that was kept may ask at the same time. */
  ask->number = (uint16_t)(ask->number + 2) | (uint16_t)own->is_kept;
  ask->is_waiting = 1;
  pthread_mutex_unlock(&control_lock);
  says_ask(own->id, ask->number, lent_service, params, clock_now());
  replies_flush();
  pthread_mutex_lock(&control_lock);
  while (ask->is_waiting && !is_over(own)) pthread_cond_wait(&own->news, &control_lock);
  const int has_come = !ask->is_waiting;
  ask->is_waiting = 0;
  pthread_mutex_unlock(&control_lock);
  *lent_answer = !has_come ? OVER : ask->lacks_memory ? NO_MEMORY : ask->owned_json;
  if (!has_come) return DLSERVE_GONE;
  if (ask->lacks_memory) return DLSERVE_NO_MEMORY;
  return ask->is_ok ? DLSERVE_OK : DLSERVE_FAILED;
}

void asking_log(dlserve_exchange *exchange, int level, const char *lent_text) {
  static atomic_uint lost;
  if (guard_is_fork()) return;
  const size_t length = strnlen(lent_text, PROTOCOL_MOST_CHUNK);
  const unsigned before = atomic_exchange(&lost, 0);
  const uint16_t known = level < DLSERVE_DEBUG ? DLSERVE_DEBUG : level > DLSERVE_ERROR ? DLSERVE_ERROR : (uint16_t)level;
  if (says_log(((hosted *)exchange)->id, known, before, lent_text, length, clock_now())) replies_leave();
  else atomic_fetch_add(&lost, before + 1);
}
