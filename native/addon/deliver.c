#include "deliver.h"

#include <stdlib.h>

#include "lane.h"

/* From here on, taking memory over is cheaper than copying it. */
#define LEAST_TAKEN_OVER (64u * 1024u)

static void free_taken(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

napi_status body_value(napi_env env, const char *bytes, size_t length, int is_ascii, char **owned, napi_value *value) {
  if (is_ascii) return napi_create_string_latin1(env, bytes, length, value);
  if (owned != NULL && *owned == bytes && length >= LEAST_TAKEN_OVER) {
    /* Not every Node allows memory of others in a Buffer. */
    napi_status status = napi_create_external_buffer(env, length, *owned, free_taken, NULL, value);
    if (status == napi_ok) {
      *owned = NULL;
      return napi_ok;
    }
  }
  void *copy;
  return napi_create_buffer_copy(env, length, bytes, &copy, value);
}

/* Fills one record. */
static napi_status record(napi_env env, hub *hub, job *job, uint32_t index, napi_value bodies, napi_value headers) {
  int32_t *fields = hub->records + index * RECORD_FIELDS;
  fields[0] = job->lane->id;
  fields[1] = job->slot;
  fields[2] = (int32_t)job->outcome | (job->headers != NULL ? RECORD_HAS_HEADERS : 0);
  fields[3] = job->status;
  napi_value value;
  napi_status status;
  if (job->outcome == OUTCOME_TOO_LARGE || job->outcome == OUTCOME_HEADERS_TOO_LARGE || job->outcome == EVENT_HEADERS_TOO_LARGE) {
    status = napi_create_double(env, (double)job->body_length, &value);
  } else if (job->body == NULL) {
    status = napi_get_null(env, &value);
  } else {
    status = body_value(env, job->body, job->body_length, job->is_ascii, &job->owned_body, &value);
  }
  if (status == napi_ok) status = napi_set_element(env, bodies, index, value);
  if (status == napi_ok && job->headers != NULL) {
    status = napi_create_string_latin1(env, job->headers, job->headers_length, &value);
    if (status == napi_ok) status = napi_set_element(env, headers, index, value);
  }
  return status;
}

/* JavaScript can't be told of this one as it is: an exception, or a string or Buffer that V8 could not make. */
static void record_failure(napi_env env, hub *hub, const job *job, uint32_t index) {
  bool is_pending = false;
  napi_value exception;
  napi_is_exception_pending(env, &is_pending);
  if (is_pending) napi_get_and_clear_last_exception(env, &exception);
  hub->records[index * RECORD_FIELDS + 2] = job->kind == JOB_EVENT ? EVENT_LOST : OUTCOME_NO_MEMORY;
}

/* Tells of one batch, and returns how many jobs it held. A job's slot is free only afterwards: the calls that JavaScript makes
 * meanwhile must not get it. */
static uint32_t deliver_batch(napi_env env, napi_value callback, hub *hub, job *first) {
  napi_value bodies, headers, receiver, count;
  napi_get_reference_value(env, hub->bodies_ref, &bodies);
  napi_get_reference_value(env, hub->headers_ref, &headers);
  uint32_t filled = 0;
  for (job *job = first; job != NULL && filled < HUB_BATCH; job = job->next) {
    if (record(env, hub, job, filled, bodies, headers) != napi_ok) record_failure(env, hub, job, filled);
    filled++;
  }
  napi_get_undefined(env, &receiver);
  napi_create_uint32(env, filled, &count);
  if (napi_call_function(env, receiver, callback, 1, &count, NULL) == napi_pending_exception) {
    napi_value exception;
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
  }
  return filled;
}

/* One line of the log less is under way. */
static void finish_line(job *event) {
  job *call = event->outcome == EVENT_LOG ? lane_call(event->lane, event->slot) : NULL;
  if (call != NULL) atomic_fetch_sub(&call->stream.lines, 1);
}

static void finish(hub *hub, job *job) {
  /* After a JOB_CLOSED the lane may be gone. */
  if (job->kind == JOB_CLOSED) {
    hub_expect_less(hub);
  } else if (job->kind == JOB_EVENT) {
    finish_line(job);
  } else if (!job->lane->is_abandoned) {
    if (!job->is_unawaited) hub_expect_less(hub);
    lane_forget(job->lane, job->slot);
  }
  job_free(job);
}

/* Frees, from the list, what came back from lanes that were given up. */
static job *without_abandoned(job *first) {
  job *kept = NULL;
  job **end = &kept;
  while (first != NULL) {
    job *next = first->next;
    if (first->lane->is_abandoned) {
      if (first->kind == JOB_CLOSED) hub_expect_less(first->lane->hub);
      job_free(first);
    } else {
      *end = first;
      end = &first->next;
    }
    first = next;
  }
  *end = NULL;
  return kept;
}

void deliver(napi_env env, napi_value callback, hub *hub, job *first) {
  first = without_abandoned(first);
  while (first != NULL) {
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return;
    uint32_t count = deliver_batch(env, callback, hub, first);
    while (count-- > 0) {
      job *next = first->next;
      finish(hub, first);
      first = next;
    }
    napi_close_handle_scope(env, scope);
    /* JavaScript may have given a lane up meanwhile. */
    first = without_abandoned(first);
  }
}
