#include "answers.h"

#include "area.h"
#include "replies.h"

/* Bodies up to this size go through the ring; a larger one through the area, or where that has no room, in parts from where it is. */
#define RING_BODY PROTOCOL_AREA_LEAST
/* Bytes that one large body sends before others get their turn; fewer would only cost changes of thread. */
#define TURN (8 * PROTOCOL_MAX_PART)

typedef struct __attribute__((packed)) {
  uint32_t length;
  uint8_t message, flags;
  uint16_t outcome;
  uint64_t id;
  int32_t status;
  uint32_t microseconds;
  uint32_t headers_length;
} reply_header;

_Static_assert(sizeof(reply_header) == PROTOCOL_REPLY_HEADER, "layout");

typedef struct __attribute__((packed)) {
  uint32_t length;
  uint8_t message, flags;
  uint16_t unused;
  uint64_t id;
  uint32_t whole;
} part_header;

_Static_assert(sizeof(part_header) == PROTOCOL_PART_HEADER, "layout");

static uint32_t microseconds(double milliseconds) { return milliseconds < UINT32_MAX / 1000 ? (uint32_t)(milliseconds * 1e3) : UINT32_MAX; }

static void commit(reply_header *header, const char *headers, const void *body, size_t body_length, double now) {
  header->message = PROTOCOL_REPLY;
  header->length = (uint32_t)(sizeof *header + header->headers_length + body_length);
  replies_commit(header, sizeof *header, headers, header->headers_length, body, body_length, now);
}

void answers_none(uint64_t id, uint16_t outcome, double now) {
  reply_header header = {.outcome = outcome, .id = id};
  commit(&header, NULL, NULL, 0, now);
}

/* In place of a reply of which there is too much. */
static void refuse(uint64_t id, uint16_t outcome, double bytes, double now) {
  reply_header header = {.outcome = outcome, .id = id};
  commit(&header, NULL, &bytes, sizeof bytes, now);
}

void answers_end(uint64_t id, int is_broken, double now) {
  reply_header header = {.flags = PROTOCOL_REPLY_STREAMED, .id = id};
  if (is_broken) header.flags |= PROTOCOL_REPLY_BROKEN;
  commit(&header, NULL, NULL, 0, now);
}

void answers_headers(uint64_t id, size_t bytes, double now) { refuse(id, PROTOCOL_OUTCOME_HEADERS_TOO_LARGE, (double)bytes, now); }

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void send_part(uint64_t id, const char *body, size_t whole, size_t from, size_t length) {
  const part_header header = {
    .length = (uint32_t)(sizeof header + length),
    .message = PROTOCOL_PART,
    .id = id,
    .whole = (uint32_t)whole,
  };
  replies_pass(&header, sizeof header, body + from, length);
}

/* Sends the whole body. The last turn is still this thread's. */
static void send_parts(uint64_t id, const char *body, size_t whole) {
  replies_take_turn();
  for (size_t at = 0, part; at < whole; at += part) {
    part = smaller(whole - at, PROTOCOL_MAX_PART);
    if (at > 0 && at % TURN == 0) {
      replies_end_turn();
      replies_take_turn();
    }
    send_part(id, body, whole, at, part);
  }
}

void answers_reply(uint64_t id, const invoke_reply *reply, const answers_limits *limits, double began, double now) {
  const size_t headers = reply->headers_length, body = reply->body_length;
  if (headers > limits->headers) {
    refuse(id, PROTOCOL_OUTCOME_HEADERS_TOO_LARGE, (double)headers, now);
    return;
  }
  if (body > limits->reply || headers > limits->reply - body) {
    refuse(id, PROTOCOL_OUTCOME_TOO_LARGE, (double)headers + (double)body, now);
    return;
  }
  reply_header header = {
    .id = id,
    .status = reply->status,
    .microseconds = microseconds(now - began),
    .headers_length = (uint32_t)headers,
  };
  if (reply->has_body) header.flags |= PROTOCOL_REPLY_HAS_BODY;
  if (reply->is_ascii) header.flags |= PROTOCOL_REPLY_ASCII;
  if (reply->given_headers != NULL) header.flags |= PROTOCOL_REPLY_HAS_HEADERS;
  if (body <= RING_BODY) {
    commit(&header, reply->given_headers, reply->given_body, body, now);
    return;
  }
  const double place[2] = {(double)area_put(reply->given_body, body), (double)body};
  if (place[0] > 0) {
    header.flags |= PROTOCOL_REPLY_IN_AREA;
    commit(&header, reply->given_headers, place, PROTOCOL_PLACE_SIZE, now);
    return;
  }
  send_parts(id, reply->given_body, body);
  header.flags |= PROTOCOL_REPLY_IN_PARTS;
  const double bytes = (double)body;
  commit(&header, reply->given_headers, &bytes, sizeof bytes, now);
  replies_end_turn();
}
