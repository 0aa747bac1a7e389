#include "job.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "host_calls.h"
#include "lane.h"
#include "performance.h"
#include "room.h"
#include "symbols.h"

static job *new_job(enum job_kind kind, size_t room) {
  job *created = malloc(sizeof *created + room);
  if (created == NULL) return NULL;
  memset(created, 0, sizeof *created);
  created->kind = kind;
  if (kind == JOB_CALL) stream_init(&created->stream);
  return created;
}

job *job_create(enum job_kind kind, const char *head, size_t head_length, const void *body, size_t body_length) {
  job *created = new_job(kind, head_length + 1 + body_length + JOB_REPLY_INLINE);
  if (created == NULL) return NULL;
  created->head_length = head_length;
  created->request_body_length = body_length;
  created->has_request_body = body != NULL;
  memcpy(created->bytes, head, head_length);
  created->bytes[head_length] = '\0';
  if (body != NULL && body_length > 0) memcpy(created->bytes + head_length + 1, body, body_length);
  return created;
}

const char *job_request_body(const job *job) {
  return job->held_room != NULL ? job->lent_request_body : job->bytes + job->head_length + 1;
}

/* From here on bytes are in memory of their own, which deliver.c can hand on as it is. */
#define LEAST_APART (64u * 1024u)

job *job_event(const job *call, enum job_outcome what, const char *bytes, size_t length) {
  int is_apart = length >= LEAST_APART;
  job *event = new_job(JOB_EVENT, is_apart ? 0 : length);
  if (event == NULL) return NULL;
  event->lane = call->lane;
  event->slot = call->slot;
  event->outcome = what;
  event->body_length = length;
  if (bytes == NULL) return event;
  event->body = is_apart ? event->owned_body = malloc(length) : event->bytes;
  if (event->body == NULL) {
    job_free(event);
    return NULL;
  }
  memcpy(event->body, bytes, length);
  return event;
}

int job_event_headers(job *event, const char *headers, size_t length) {
  event->headers = event->owned_headers = malloc(length + 1);
  if (event->headers == NULL) return 0;
  memcpy(event->headers, headers, length + 1);
  event->headers_length = length;
  return 1;
}

void job_free(job *job) {
  if (job->kind == JOB_CALL) stream_destroy(&job->stream);
  free(job->owned_body);
  free(job->owned_headers);
  room_release(job->held_room);
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
  char *room = job->bytes + job->head_length + 1 + (job->held_room != NULL ? 0 : job->request_body_length);
  const char *end = room + JOB_REPLY_INLINE;
  if (reply->has_body) job->body = keep(reply->given_body, reply->body_length, &room, end, &job->owned_body);
  if (reply->given_headers != NULL) {
    job->headers = keep(reply->given_headers, reply->headers_length, &room, end, &job->owned_headers);
  }
  int lost = (reply->has_body && job->body == NULL) || (reply->given_headers != NULL && job->headers == NULL);
  job->outcome = lost ? OUTCOME_NO_MEMORY : OUTCOME_REPLY;
}

/* What the handler of a call gave when it returned. Returns whether the call has come to its end. */
static int end_call(job *job, invoke_reply *reply) {
  stream *stream = &job->stream;
  int is_kept = stream->is_kept;
  const lane *lane = job->lane;
  if (is_kept) {
    stream_kept(job, reply);
  } else {
    keep_reply(job, reply);
    if (stream->has_begun && stream_is_broken_by(stream, reply->status)) stream->is_broken = 1;
  }
  invoke_release(lane->release, reply);
  return stream_leave_hold(job);
}

static int run_call(job *job, invoke_scratch *scratch, double now) {
  const lane *lane = job->lane;
  if (job->begin_by <= now) {
    job->outcome = OUTCOME_TOO_LATE;
    return 1;
  }
  atomic_store_explicit(&job->began, now, memory_order_relaxed);
  invoke_request request = {
    .lent_head = job->bytes,
    .head_length = job->head_length,
    .lent_body = (const uint8_t *)job_request_body(job),
    .body_length = job->request_body_length,
    .has_body = job->has_request_body,
    .is_complete = job->is_complete,
    .deadline_unix_ms = clock_unix(clock_earlier(job->own_at - now, job->timeout)),
  };
  const char *text = request.has_body && !request.is_complete ? invoke_text(scratch, &request) : job->bytes;
  if (text == NULL) {
    job->outcome = OUTCOME_NO_MEMORY;
    return 1;
  }
  hosted_exchange hosted = {.job = job};
  invoke_reply reply;
  invoke_begin(&hosted.call, &request, &thread_host);
  invoke_call(lane->handlers[job->symbol], text, &hosted.call, &reply);
  free(hosted.owned_answer);
  int has_ended = end_call(job, &reply);
  invoke_scratch_trim(scratch);
  return has_ended;
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

int job_run(job *job, invoke_scratch *scratch, double now) {
  switch (job->kind) {
    case JOB_CALL: return run_call(job, scratch, now);
    case JOB_LOAD: run_load(job); break;
    case JOB_NUMBER: keep_words(job, job->number(), NULL); break;
    case JOB_INIT: run_init(job, job->lane->init); break;
    case JOB_START: run_init(job, (dlserve_init *)job->function); break;
    case JOB_END: run_end(job); break;
    case JOB_TEXT: keep_words(job, 0, ((dlserve_routes *)job->function)()); break;
    case JOB_STOP: job->lane->stop(); break;
    case JOB_CLOSED:
    case JOB_EVENT: break;
  }
  return 1;
}
