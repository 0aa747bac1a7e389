#include "job.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "lane.h"
#include "performance.h"
#include "symbols.h"

job *job_create(enum job_kind kind, const char *head, size_t head_length, const void *body, size_t body_length) {
  job *created = malloc(sizeof *created + head_length + 1 + body_length + JOB_REPLY_INLINE);
  if (created == NULL) return NULL;
  memset(created, 0, sizeof *created);
  created->kind = kind;
  created->head_length = head_length;
  created->request_body_length = body_length;
  created->has_request_body = body != NULL;
  memcpy(created->bytes, head, head_length);
  created->bytes[head_length] = '\0';
  if (body != NULL && body_length > 0) memcpy(job_request_body(created), body, body_length);
  return created;
}

char *job_request_body(job *job) { return job->bytes + job->head_length + 1; }

void job_free(job *job) {
  free(job->owned_body);
  free(job->owned_headers);
  free(job);
}

void job_free_list(job *first) {
  while (first != NULL) {
    job *next = first->next;
    job_free(first);
    first = next;
  }
}

/* Copies into the block at `room` where it fits there, and moves `room` on; else into memory of its own. */
static char *keep(const char *given, size_t length, char **room, const char *end, char **owned) {
  char *copy = *room;
  if (length <= (size_t)(end - *room)) {
    *room += length;
  } else {
    copy = *owned = malloc(length);
    if (copy == NULL) return NULL;
  }
  memcpy(copy, given, length);
  return copy;
}

enum job_outcome job_size_outcome(const hub *hub, const invoke_reply *reply) {
  if (reply->headers_length > hub->most_headers) return OUTCOME_HEADERS_TOO_LARGE;
  return reply->body_length + reply->headers_length > hub->most_reply ? OUTCOME_TOO_LARGE : OUTCOME_REPLY;
}

static void keep_reply(job *job, const invoke_reply *reply) {
  job->status = reply->status;
  job->is_ascii = reply->is_ascii;
  job->body_length = reply->body_length;
  job->headers_length = reply->headers_length;
  job->outcome = job_size_outcome(job->lane->hub, reply);
  if (job->outcome != OUTCOME_REPLY) {
    job->body_length = job->outcome == OUTCOME_TOO_LARGE ? reply->body_length + reply->headers_length : reply->headers_length;
    return;
  }
  char *room = job->bytes + job->head_length + 1 + job->request_body_length;
  const char *end = room + JOB_REPLY_INLINE;
  if (reply->has_body) job->body = keep(reply->given_body, reply->body_length, &room, end, &job->owned_body);
  if (reply->given_headers != NULL) {
    job->headers = keep(reply->given_headers, reply->headers_length, &room, end, &job->owned_headers);
  }
  int lost = (reply->has_body && job->body == NULL) || (reply->given_headers != NULL && job->headers == NULL);
  job->outcome = lost ? OUTCOME_NO_MEMORY : OUTCOME_REPLY;
}

static void run_call(job *job, invoke_scratch *scratch, double now) {
  const lane *lane = job->lane;
  if (job->begin_by <= now) {
    job->outcome = OUTCOME_TOO_LATE;
    return;
  }
  atomic_store_explicit(&job->began, now, memory_order_relaxed);
  invoke_request request = {
    .lent_head = job->bytes,
    .head_length = job->head_length,
    .lent_body = (const uint8_t *)job->bytes + job->head_length + 1,
    .body_length = job->request_body_length,
    .has_body = job->has_request_body,
    .is_complete = job->is_complete,
    .deadline_unix_ms = clock_unix(clock_earlier(job->own_at - now, job->timeout)),
  };
  const char *text = request.has_body && !request.is_complete ? invoke_text(scratch, &request) : job->bytes;
  if (text == NULL) {
    job->outcome = OUTCOME_NO_MEMORY;
    return;
  }
  invoke_exchange exchange;
  invoke_reply reply;
  invoke_begin(&exchange, &request, NULL);
  invoke_call(lane->handlers[job->symbol], text, &exchange, &reply);
  keep_reply(job, &reply);
  invoke_release(lane->release, &reply);
  invoke_scratch_trim(scratch);
}

static void keep_words(job *job, int status, const char *words) {
  const invoke_reply reply = {
    .status = status,
    .has_body = words != NULL,
    .given_body = words,
    .body_length = words == NULL ? 0 : strlen(words),
  };
  keep_reply(job, &reply);
}

/* The head is the library's path; the status becomes 0, or 1 with the loader's words as the body. */
static void run_load(job *job) {
  lane *lane = job->lane;
  lane->library = dlopen(job->bytes, RTLD_NOW | RTLD_LOCAL);
  keep_words(job, lane->library == NULL, lane->library == NULL ? dlerror() : NULL);
  if (lane->library != NULL && job->binds_own) symbols_bind_own(lane->library);
}

/* The status becomes what the function returned, and the body its words. */
static void keep_error(job *job, int returned, char *given_error) {
  keep_words(job, returned, given_error);
  if (given_error != NULL && job->lane->release != NULL) job->lane->release(given_error);
}

/* The head is the configuration. */
static void run_init(job *job, dlserve_init *init) {
  char *given_error = NULL;
  int returned = init(job->bytes, &given_error);
  keep_error(job, returned, given_error);
}

static void run_end(job *job) {
  char *given_error = NULL;
  int returned = ((job_end *)job->function)(&given_error);
  keep_error(job, returned, given_error);
}

void job_run(job *job, invoke_scratch *scratch, double now) {
  switch (job->kind) {
    case JOB_CALL: run_call(job, scratch, now); break;
    case JOB_LOAD: run_load(job); break;
    case JOB_NUMBER: keep_words(job, job->number(), NULL); break;
    case JOB_INIT: run_init(job, job->lane->init); break;
    case JOB_START: run_init(job, (dlserve_init *)job->function); break;
    case JOB_END: run_end(job); break;
    case JOB_TEXT: keep_words(job, 0, ((dlserve_routes *)job->function)()); break;
    case JOB_STOP: job->lane->stop(); break;
    case JOB_CLOSED: break;
  }
}
