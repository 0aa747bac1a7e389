#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "hub.h"
#include "job.h"
#include "lane.h"

void stream_init(stream *stream) {
  pthread_mutex_init(&stream->lock, NULL);
  pthread_cond_init(&stream->changed, NULL);
  atomic_init(&stream->holds, 1);
}

void stream_destroy(stream *stream) {
  while (stream->first != NULL) {
    stream_input *next = stream->first->next;
    free(stream->first);
    stream->first = next;
  }
  free(stream->owned_answer);
  pthread_cond_destroy(&stream->changed);
  pthread_mutex_destroy(&stream->lock);
}

/* Under the lock, which is let go meanwhile. */
static void wait_for_host(stream *stream) {
  stream->waits++;
  pthread_cond_wait(&stream->changed, &stream->lock);
  stream->waits--;
}

/* Under the lock. Returns 0 where nobody waits for the reply any more. */
static int wait_for_room(stream *stream, size_t cost) {
  while (!stream->is_gone && stream->ahead + cost > STREAM_WINDOW) wait_for_host(stream);
  return !stream->is_gone;
}

/* The first part takes the head with it, unless another thread was faster. */
static job *piece(job *job, int status, const char *headers, const void *part, size_t length) {
  struct job *event = job_event(job, EVENT_CHUNK, part, length);
  if (event == NULL || job->stream.has_begun) return event;
  event->status = status;
  size_t headers_length = headers == NULL ? 0 : strlen(headers);
  if (headers_length > job->lane->hub->most_headers) {
    event->outcome = EVENT_HEADERS_TOO_LARGE;
    event->body_length = headers_length;
  } else if (headers != NULL && !job_event_headers(event, headers, headers_length)) {
    job_free(event);
    return NULL;
  }
  return event;
}

/* Returns what `write` does. */
static int send_piece(job *job, struct job *event, size_t cost) {
  stream *stream = &job->stream;
  if (event == NULL) {
    if (stream->has_begun) stream->is_broken = 1;
    return DLSERVE_NO_MEMORY;
  }
  int is_refused = event->outcome == EVENT_HEADERS_TOO_LARGE;
  pthread_mutex_lock(&stream->lock);
  if (!wait_for_room(stream, cost)) {
    stream->is_broken = 1;
    pthread_mutex_unlock(&stream->lock);
    job_free(event);
    return DLSERVE_GONE;
  }
  stream->ahead += cost;
  if (is_refused) stream->is_gone = 1;
  if (!stream->has_begun) {
    if (!is_refused) event->outcome = EVENT_HEAD;
    stream->head_status = event->status;
    stream->has_begun = 1;
  }
  hub_report(job->lane->hub, event);
  pthread_mutex_unlock(&stream->lock);
  return is_refused ? DLSERVE_GONE : DLSERVE_OK;
}

int stream_write(job *job, int status, const char *headers, const void *part, size_t length) {
  stream *stream = &job->stream;
  if (length == 0 && stream->has_begun) return stream->is_gone ? DLSERVE_GONE : DLSERVE_OK;
  const char *rest = part;
  do {
    size_t taken = length < STREAM_PIECE ? length : STREAM_PIECE;
    int said = send_piece(job, piece(job, status, headers, rest, taken), taken + STREAM_PIECE_COST);
    if (said != DLSERVE_OK) return said;
    rest += taken;
    length -= taken;
  } while (length > 0);
  return DLSERVE_OK;
}

static int say(job *job, enum job_outcome outcome, int status) {
  struct job *event = job_event(job, outcome, NULL, 0);
  if (event == NULL) return 0;
  event->status = status;
  hub_report(job->lane->hub, event);
  return 1;
}

/* From the body as a whole. */
static int64_t read_on(job *job, void *buffer, size_t capacity) {
  size_t left = job->request_body_length - job->stream.cursor;
  size_t taken = left < capacity ? left : capacity;
  if (taken > 0) memcpy(buffer, job_request_body(job) + job->stream.cursor, taken);
  job->stream.cursor += taken;
  return (int64_t)taken;
}

/* Under the lock. */
static size_t take_input(stream *stream, uint8_t *buffer, size_t capacity) {
  size_t taken = 0;
  while (stream->first != NULL && taken < capacity) {
    stream_input *input = stream->first;
    size_t left = input->length - input->read;
    size_t part = left < capacity - taken ? left : capacity - taken;
    memcpy(buffer + taken, input->bytes + input->read, part);
    taken += part;
    input->read += part;
    if (input->read < input->length) break;
    stream->first = input->next;
    if (stream->first == NULL) stream->last = NULL;
    free(input);
  }
  stream->buffered -= taken;
  return taken;
}

/* Under the lock: sees to it that E brings more while T works on what is there. */
static void want(job *job) {
  stream *stream = &job->stream;
  if (stream->wants || stream->input != INPUT_OPEN || stream->buffered >= STREAM_WINDOW / 2) return;
  stream->wants = 1;
  if (!say(job, EVENT_WANT, 0)) stream->input = INPUT_BROKEN;
}

int64_t stream_read(job *job, void *buffer, size_t capacity) {
  stream *stream = &job->stream;
  if (stream->input == INPUT_NONE) return read_on(job, buffer, capacity);
  if (capacity == 0) return 0;
  pthread_mutex_lock(&stream->lock);
  want(job);
  while (!stream->is_gone && stream->first == NULL && stream->input == INPUT_OPEN) wait_for_host(stream);
  int64_t taken = DLSERVE_GONE;
  if (!stream->is_gone) {
    taken = (int64_t)take_input(stream, buffer, capacity);
    if (taken == 0 && stream->input == INPUT_BROKEN) taken = DLSERVE_GONE;
    want(job);
  }
  pthread_mutex_unlock(&stream->lock);
  return taken;
}

int stream_ask(job *job, const char *service, const char *params, char **owned_answer) {
  stream *stream = &job->stream;
  *owned_answer = NULL;
  struct job *event = job_event(job, EVENT_ASK, params, params == NULL ? 0 : strlen(params));
  if (event == NULL || !job_event_headers(event, service, strlen(service))) {
    if (event != NULL) job_free(event);
    return DLSERVE_NO_MEMORY;
  }
  pthread_mutex_lock(&stream->lock);
  /* By a kept exchange, while the handler asks by its own. */
  while (stream->is_asking && !stream->is_gone) wait_for_host(stream);
  if (stream->is_gone) {
    pthread_mutex_unlock(&stream->lock);
    job_free(event);
    return DLSERVE_GONE;
  }
  stream->is_asking = 1;
  hub_report(job->lane->hub, event);
  while (stream->owned_answer == NULL && !stream->is_gone) wait_for_host(stream);
  *owned_answer = stream->owned_answer;
  stream->owned_answer = NULL;
  stream->is_asking = 0;
  int said = *owned_answer == NULL ? DLSERVE_GONE : stream->is_answer_ok ? DLSERVE_OK : DLSERVE_FAILED;
  pthread_cond_broadcast(&stream->changed);
  pthread_mutex_unlock(&stream->lock);
  return said;
}

/* Longer lines are cut. */
#define LONGEST_LINE (16u * 1024u)

static void tell_lost(job *job) {
  int lost = atomic_exchange(&job->stream.lost, 0);
  if (lost > 0) say(job, EVENT_LOST_LINES, lost);
}

void stream_log(job *job, int level, const char *text) {
  stream *stream = &job->stream;
  if (atomic_fetch_add(&stream->lines, 1) >= STREAM_LINES) {
    atomic_fetch_sub(&stream->lines, 1);
    atomic_fetch_add(&stream->lost, 1);
    return;
  }
  tell_lost(job);
  struct job *event = job_event(job, EVENT_LOG, text, strnlen(text, LONGEST_LINE));
  if (event == NULL) {
    atomic_fetch_sub(&stream->lines, 1);
    atomic_fetch_add(&stream->lost, 1);
    return;
  }
  event->status = level;
  hub_report(job->lane->hub, event);
}

int stream_is_broken_by(const stream *stream, int status) { return status >= 500 && status != stream->head_status; }

void stream_kept(job *job, const invoke_reply *reply) {
  stream *stream = &job->stream;
  if (stream->has_begun && stream_is_broken_by(stream, reply->status)) stream->is_broken = 1;
  else stream_write(job, reply->status, reply->given_headers, reply->given_body, reply->body_length);
  say(job, EVENT_KEPT, 0);
}

int stream_leave_hold(job *job) {
  if (atomic_fetch_sub(&job->stream.holds, 1) != 1) return 0;
  tell_lost(job);
  /* One that was kept and has sent nothing could not. */
  if (job->outcome == OUTCOME_REPLY && job->stream.has_begun) job->outcome = job->stream.is_broken ? OUTCOME_BROKEN : OUTCOME_LAST;
  else if (job->outcome == OUTCOME_REPLY && job->stream.is_kept) job->outcome = OUTCOME_BROKEN;
  return 1;
}

void stream_credit(stream *stream, size_t taken) {
  pthread_mutex_lock(&stream->lock);
  stream->ahead -= taken < stream->ahead ? taken : stream->ahead;
  pthread_cond_broadcast(&stream->changed);
  pthread_mutex_unlock(&stream->lock);
}

/* Under the lock. */
static void append_input(stream *stream, stream_input *input) {
  if (stream->last == NULL) stream->first = input;
  else stream->last->next = input;
  stream->last = input;
  stream->buffered += input->length;
}

int stream_feed(stream *stream, const void *bytes, size_t length) {
  stream_input *input = NULL;
  if (length > 0) {
    input = malloc(sizeof *input + length);
    if (input == NULL) return -1;
    *input = (stream_input){.length = length};
    memcpy(input->bytes, bytes, length);
  }
  pthread_mutex_lock(&stream->lock);
  if (input != NULL) append_input(stream, input);
  stream->wants = !stream->is_gone && stream->buffered < STREAM_WINDOW;
  int wants = stream->wants;
  pthread_cond_broadcast(&stream->changed);
  pthread_mutex_unlock(&stream->lock);
  return wants;
}

void stream_feed_end(stream *stream, int broken) {
  pthread_mutex_lock(&stream->lock);
  stream->input = broken ? INPUT_BROKEN : INPUT_ENDED;
  pthread_cond_broadcast(&stream->changed);
  pthread_mutex_unlock(&stream->lock);
}

void stream_answer(stream *stream, int is_ok, char *owned_json) {
  pthread_mutex_lock(&stream->lock);
  if (stream->is_asking && stream->owned_answer == NULL) {
    stream->owned_answer = owned_json;
    stream->is_answer_ok = is_ok;
    owned_json = NULL;
    pthread_cond_broadcast(&stream->changed);
  }
  pthread_mutex_unlock(&stream->lock);
  free(owned_json);
}

void stream_let_go(stream *stream) {
  pthread_mutex_lock(&stream->lock);
  stream->is_gone = 1;
  pthread_cond_broadcast(&stream->changed);
  pthread_mutex_unlock(&stream->lock);
}

int stream_waits(stream *stream) {
  pthread_mutex_lock(&stream->lock);
  int waits = stream->waits > 0;
  pthread_mutex_unlock(&stream->lock);
  return waits;
}
