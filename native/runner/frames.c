#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "area.h"

#define CHUNK_SIZE 65536u
/* Less room than this at the end of a chunk isn't worth a system call. */
#define LEAST_ROOM 8192u

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static frames_chunk *chunk_new(size_t size) {
  frames_chunk *chunk = malloc(sizeof *chunk + size);
  if (chunk == NULL) return NULL;
  atomic_init(&chunk->users, 1);
  chunk->size = size;
  return chunk;
}

void frames_release(frames_chunk *chunk) {
  if (atomic_fetch_sub_explicit(&chunk->users, 1, memory_order_acq_rel) == 1) free(chunk);
}

static uint32_t frame_length(const uint8_t *at) {
  uint32_t length;
  memcpy(&length, at, sizeof length);
  return length;
}

/* Bytes that must stand together before anything can be done: the header, then of a call as much as names it, then all. */
static size_t wanted(const frames *frames) {
  size_t have = frames->end - frames->start;
  if (have < PROTOCOL_FRAME_HEADER) return PROTOCOL_FRAME_HEADER;
  size_t whole = frame_length(frames->owned_chunk->bytes + frames->start);
  return have < PROTOCOL_CALL_HEADER ? smaller(whole, PROTOCOL_CALL_HEADER) : whole;
}

/* Gives up a call that is too large for the memory left. Only calls can be that large. */
static void lose(frames *frames) {
  size_t have = frames->end - frames->start;
  const uint8_t *at = frames->owned_chunk->bytes + frames->start;
  memcpy(frames->lost.header, at, PROTOCOL_CALL_HEADER);
  frames->lost.left = frame_length(at) - have;
  frames->lost.pending = 1;
  frames->start = frames->end = 0;
}

static int only_user(const frames_chunk *chunk) { return atomic_load_explicit(&chunk->users, memory_order_acquire) == 1; }

/* Moves the bytes that are left to the front of a chunk in which `size` bytes fit. 0 when memory is out. */
static int make_place(frames *frames, size_t size) {
  size_t have = frames->end - frames->start;
  frames_chunk *chunk = frames->owned_chunk;
  if (chunk == NULL || !only_user(chunk) || chunk->size < size || (chunk->size > CHUNK_SIZE && size <= CHUNK_SIZE)) {
    frames_chunk *fresh = chunk_new(size < CHUNK_SIZE ? CHUNK_SIZE : size);
    if (fresh == NULL) return 0;
    if (chunk != NULL) {
      memcpy(fresh->bytes, chunk->bytes + frames->start, have);
      frames_release(chunk);
    }
    frames->owned_chunk = fresh;
  } else {
    memmove(chunk->bytes, chunk->bytes + frames->start, have);
  }
  frames->start = 0;
  frames->end = have;
  return 1;
}

uint8_t *frames_room(frames *frames, size_t *room) {
  frames_chunk *chunk = frames->owned_chunk;
  if (chunk == NULL) {
    if (!make_place(frames, CHUNK_SIZE)) return NULL;
  } else {
    if (frames->start == frames->end && only_user(chunk)) frames->start = frames->end = 0;
    size_t want = wanted(frames);
    size_t behind = chunk->size - frames->start;
    int fits = want > CHUNK_SIZE ? behind >= want : behind >= want && chunk->size - frames->end >= LEAST_ROOM;
    if (!fits && !make_place(frames, want)) {
      if (want <= CHUNK_SIZE) return NULL;
      lose(frames);
    }
  }
  chunk = frames->owned_chunk;
  if (frames->lost.pending) {
    if (!only_user(chunk) && !make_place(frames, CHUNK_SIZE)) return NULL;
    frames->start = frames->end = 0;
    *room = smaller(frames->owned_chunk->size, frames->lost.left);
    return frames->owned_chunk->bytes;
  }
  *room = chunk->size - frames->end;
  return chunk->bytes + frames->end;
}

void frames_filled(frames *frames, size_t length) {
  if (frames->lost.pending) frames->lost.left -= length;
  else frames->end += length;
}

static int refuse(frames *frames, const char *fault) {
  frames->fault = fault;
  return -1;
}

/* Checked as soon as the header is there, before room is made for the rest. */
static const char *header_fault(uint8_t message, size_t length) {
  if (length > PROTOCOL_MAX_FRAME) return "an oversized frame";
  switch (message) {
    case PROTOCOL_HELLO: return length == PROTOCOL_HELLO_SIZE ? NULL : "a HELLO of a wrong size";
    case PROTOCOL_OPEN: return length > PROTOCOL_OPEN_HEADER && length <= CHUNK_SIZE * 256u ? NULL : "an OPEN of a wrong size";
    case PROTOCOL_CALL: return length >= PROTOCOL_CALL_HEADER ? NULL : "a CALL that is too short";
    case PROTOCOL_STOP: return length == PROTOCOL_FRAME_HEADER ? NULL : "a STOP of a wrong size";
    default: return "a frame of an unknown kind";
  }
}

static void describe(frame *frame, const uint8_t *at, size_t length) {
  frame->message = at[4];
  frame->flags = at[5];
  memcpy(&frame->number, at + 6, sizeof frame->number);
  frame->lent_payload = at + PROTOCOL_FRAME_HEADER;
  frame->length = length - PROTOCOL_FRAME_HEADER;
}

int frames_next(frames *frames, frame *frame) {
  frames_chunk *chunk = frames->owned_chunk;
  if (frames->lost.pending) {
    if (frames->lost.left > 0) return 0;
    frames->lost.pending = 0;
    describe(frame, frames->lost.header, PROTOCOL_CALL_HEADER);
    frame->lost = 1;
  } else {
    size_t have = frames->end - frames->start;
    if (have < PROTOCOL_FRAME_HEADER) return 0;
    const uint8_t *at = chunk->bytes + frames->start;
    size_t length = frame_length(at);
    const char *fault = header_fault(at[4], length);
    if (fault != NULL) return refuse(frames, fault);
    if (have < length) return 0;
    describe(frame, at, length);
    frame->lost = 0;
    frames->start += length;
  }
  frame->chunk = chunk;
  atomic_fetch_add_explicit(&chunk->users, 1, memory_order_relaxed);
  return 1;
}

int frames_read_call(const frame *frame, frames_call *call) {
  const uint8_t *at = frame->lent_payload;
  uint32_t head_length;
  call->symbol = frame->number;
  call->has_body = (frame->flags & PROTOCOL_CALL_HAS_BODY) != 0;
  call->is_complete = (frame->flags & PROTOCOL_CALL_COMPLETE) != 0;
  memcpy(&call->id, at, sizeof call->id);
  memcpy(&call->begin_by, at + 8, sizeof call->begin_by);
  memcpy(&call->own_at, at + 16, sizeof call->own_at);
  if (frame->lost) return 1;
  memcpy(&head_length, at + 24, sizeof head_length);
  const size_t header = PROTOCOL_CALL_HEADER - PROTOCOL_FRAME_HEADER;
  if (head_length > frame->length - header) return 0;
  call->lent_head = (const char *)at + header;
  call->head_length = head_length;
  call->lent_body = at + header + head_length;
  call->body_length = frame->length - header - head_length;
  if ((frame->flags & PROTOCOL_CALL_IN_AREA) != 0) {
    double place[2];
    if (!call->has_body || call->body_length != PROTOCOL_PLACE_SIZE) return 0;
    memcpy(place, call->lent_body, sizeof place);
    call->lent_body = area_body(place[0], place[1]);
    call->body_length = (size_t)place[1];
    return call->lent_body != NULL;
  }
  return call->has_body || call->body_length == 0;
}
