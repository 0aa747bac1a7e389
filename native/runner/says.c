#include "says.h"

#include <string.h>

#include "protocol.h"
#include "replies.h"

typedef struct __attribute__((packed)) {
  uint32_t length;
  uint8_t message, flags;
  uint16_t number;
  uint64_t id;
} words;

_Static_assert(sizeof(words) == PROTOCOL_CALL_WORDS, "layout");

typedef struct __attribute__((packed)) {
  words words;
  uint32_t first, second;
} numbered;

_Static_assert(sizeof(numbered) == PROTOCOL_HEAD_HEADER, "layout");
_Static_assert(sizeof(numbered) == PROTOCOL_LOG_HEADER, "layout");

void says_head(uint64_t id, int status, const char *headers, size_t length, double now) {
  const numbered head = {
    .words = {.length = (uint32_t)(sizeof head + length), .message = PROTOCOL_HEAD, .id = id},
    .first = (uint32_t)status,
  };
  replies_commit(&head, sizeof head, headers, length, NULL, 0, now);
}

void says_chunk(uint64_t id, const void *bytes, size_t length, double now) {
  const words chunk = {.length = (uint32_t)(sizeof chunk + length), .message = PROTOCOL_CHUNK, .id = id};
  replies_commit(&chunk, sizeof chunk, bytes, length, NULL, 0, now);
}

void says_want(uint64_t id, uint64_t read, double now) {
  const words want = {.length = PROTOCOL_WANT_SIZE, .message = PROTOCOL_WANT, .id = id};
  replies_commit(&want, sizeof want, &read, sizeof read, NULL, 0, now);
}

void says_ask(uint64_t id, uint16_t number, const char *service, const char *params, double now) {
  const size_t first = strlen(service) + 1, second = strlen(params) + 1;
  for (size_t at = 0, length; at < first + second; at += length) {
    length = at < first ? first - at : first + second - at;
    if (length > PROTOCOL_MOST_CHUNK) length = PROTOCOL_MOST_CHUNK;
    const words ask = {
      .length = (uint32_t)(sizeof ask + length),
      .message = PROTOCOL_ASK,
      .flags = at + length < first + second ? PROTOCOL_ASK_MORE : 0,
      .number = number,
      .id = id,
    };
    replies_commit(&ask, sizeof ask, at < first ? service + at : params + (at - first), length, NULL, 0, now);
  }
}

int says_log(uint64_t id, uint16_t level, uint32_t lost, const char *text, size_t length, double now) {
  const numbered line = {
    .words = {.length = (uint32_t)(sizeof line + length), .message = PROTOCOL_LOG, .number = level, .id = id},
    .first = lost,
  };
  return replies_try_commit(&line, sizeof line, text, length, now);
}

void says_kept(uint64_t id, double now) {
  const words kept = {.length = sizeof kept, .message = PROTOCOL_KEPT, .id = id};
  replies_commit(&kept, sizeof kept, NULL, 0, NULL, 0, now);
}
