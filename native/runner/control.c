#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"
#include "threads.h"

#define BUCKETS 1024u
#define BUFFER 65536u

pthread_mutex_t control_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
  int fd, is_read;
  hosted *buckets[BUCKETS];
  size_t start, end; /* of the bytes in the buffer that are not taken yet */
  uint8_t buffer[BUFFER];
} control;

typedef struct __attribute__((packed)) {
  uint32_t length;
  uint8_t message, flags;
  uint16_t number;
  uint64_t id;
} words;

_Static_assert(sizeof(words) == PROTOCOL_CALL_WORDS, "layout");

static hosted **place_of(uint64_t id) {
  hosted **at = &control.buckets[id % BUCKETS];
  while (*at != NULL && (*at)->id != id) at = &(*at)->next;
  return at;
}

/* 0 where the host is gone: whoever watches it ends this process. */
static int receive(void *into, size_t room, size_t *length) {
  ssize_t received;
  do received = recv(control.fd, into, room, 0);
  while (received < 0 && errno == EINTR);
  *length = received > 0 ? (size_t)received : 0;
  return received > 0;
}

static int take(void *into, size_t length) {
  uint8_t *to = into;
  while (length > 0) {
    size_t have = control.end - control.start;
    if (have > 0) {
      if (have > length) have = length;
      if (to != NULL) memcpy(to, control.buffer + control.start, have);
      control.start += have;
    } else if (to != NULL && length >= BUFFER) {
      if (!receive(to, length, &have)) return 0;
    } else {
      control.start = 0;
      if (!receive(control.buffer, BUFFER, &control.end)) return 0;
      continue;
    }
    if (to != NULL) to += have;
    length -= have;
  }
  return 1;
}

static void wake(hosted *hosted) {
  pthread_cond_broadcast(&hosted->news);
  if (hosted->origin != NULL) pthread_cond_broadcast(&hosted->origin->news);
}

static void credit(hosted *hosted, uint8_t flags, uint64_t taken) {
  if (taken > hosted->taken && taken <= hosted->sent) hosted->taken = taken;
  if (flags != 0) {
    atomic_fetch_or(&hosted->gone, flags);
    if (hosted->origin != NULL) atomic_fetch_or(&hosted->origin->gone, flags);
  }
  wake(hosted);
}

/* Takes the memory where somebody waits for it. */
static int answer(hosted *to, const words *words, char *given_json) {
  for (; to != NULL; to = to->origin) {
    if (!to->ask.is_waiting || to->ask.number != words->number) continue;
    to->ask.is_waiting = 0;
    to->ask.is_ok = (words->flags & PROTOCOL_ANSWER_OK) != 0;
    to->ask.lacks_memory = given_json == NULL;
    to->ask.owned_json = given_json;
    pthread_cond_broadcast(&to->news);
    return 1;
  }
  return 0;
}

/* Takes the memory likewise. The body is that of the handler's own exchange. */
static int add(hosted *to, const words *words, hosted_bytes *given) {
  if (to->is_kept) to = to->origin;
  if (to == NULL) return 0;
  hosted_body *body = &to->body;
  const int lacks = given == NULL && words->length > PROTOCOL_CALL_WORDS;
  if (given != NULL) {
    *body->last = given;
    body->last = &given->next;
  }
  if (words->flags & PROTOCOL_BODY_LAST) body->has_ended = 1;
  if (lacks || words->flags & PROTOCOL_BODY_BROKEN) body->is_broken = 1;
  pthread_cond_broadcast(&to->news);
  return given != NULL;
}

static int hear_credit(const words *words) {
  uint64_t taken;
  if (words->length != PROTOCOL_CREDIT_SIZE) fault("the host sent a malformed CREDIT");
  if (!take(&taken, sizeof taken)) return 0;
  pthread_mutex_lock(&control_lock);
  hosted *to = *place_of(words->id);
  if (to != NULL) credit(to, words->flags, taken);
  pthread_mutex_unlock(&control_lock);
  return 1;
}

static int hear_answer(const words *words) {
  const size_t length = words->length - PROTOCOL_CALL_WORDS;
  char *json = malloc(length + 1);
  if (!take(json, length)) return 0;
  if (json != NULL) json[length] = '\0';
  pthread_mutex_lock(&control_lock);
  const int is_taken = answer(*place_of(words->id), words, json);
  pthread_mutex_unlock(&control_lock);
  if (!is_taken) free(json);
  return 1;
}

static int hear_body(const words *words) {
  const size_t length = words->length - PROTOCOL_CALL_WORDS;
  hosted_bytes *bytes = length == 0 ? NULL : malloc(sizeof *bytes + length);
  if (!take(bytes == NULL ? NULL : bytes->bytes, length)) return 0;
  if (bytes != NULL) {
    bytes->next = NULL;
    bytes->length = length;
    bytes->used = 0;
  }
  pthread_mutex_lock(&control_lock);
  hosted *to = *place_of(words->id);
  const int is_taken = to != NULL && add(to, words, bytes);
  pthread_mutex_unlock(&control_lock);
  if (!is_taken) free(bytes);
  return 1;
}

static void *run(void *unused) {
  (void)unused;
  words words;
  for (;;) {
    if (!take(&words, sizeof words)) return NULL;
    if (words.length < PROTOCOL_CALL_WORDS || words.length > PROTOCOL_MAX_FRAME) fault("the host sent an oversized frame");
    switch (words.message) {
      case PROTOCOL_CREDIT:
        if (!hear_credit(&words)) return NULL;
        break;
      case PROTOCOL_ANSWER:
        if (!hear_answer(&words)) return NULL;
        break;
      case PROTOCOL_BODY:
        if (!hear_body(&words)) return NULL;
        break;
      default: fault("the host sent message %d to a call", words.message);
    }
  }
}

int control_list(hosted *hosted) {
  pthread_mutex_lock(&control_lock);
  if (!control.is_read) control.is_read = threads_try_small(run);
  if (control.is_read && !hosted->is_listed) {
    hosted->is_listed = 1;
    hosted->next = NULL;
    hosted->origin = NULL;
    hosted->is_refused = hosted->has_ended = hosted->is_broken = hosted->is_answered = 0;
    hosted->sent = hosted->taken = 0;
    atomic_init(&hosted->flushed, 0);
    hosted->body = (hosted_body){0};
    hosted->body.last = &hosted->body.first;
    hosted->ask = (hosted_ask){0};
    pthread_cond_init(&hosted->news, NULL);
    *place_of(hosted->id) = hosted;
  }
  pthread_mutex_unlock(&control_lock);
  return hosted->is_listed;
}

void control_replace(hosted *origin, hosted *kept) {
  kept->next = origin->next;
  *place_of(origin->id) = kept;
}

void control_unlist(hosted *hosted) {
  pthread_mutex_lock(&control_lock);
  struct hosted **at = place_of(hosted->id);
  if (*at == hosted) *at = hosted->next;
  pthread_mutex_unlock(&control_lock);
}

void control_start(int fd) { control.fd = fd; }
