/* frames.h - bytes from the host to frames. Frames stay where they arrived, in counted chunks of memory, so nothing is copied
 * but the part of a frame that did not fit its chunk. Not safe for threads; only frames_release may be called from any. */
#ifndef DLSERVE_FRAMES_H
#define DLSERVE_FRAMES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

typedef struct frames_chunk {
  atomic_uint users;
  size_t size;
  uint8_t bytes[];
} frames_chunk;

/* The start of a call whose rest is dropped, because no memory was left for it. */
typedef struct {
  uint8_t header[PROTOCOL_CALL_HEADER];
  size_t left; /* bytes still to be dropped */
  int pending;
} frames_lost;

/* Start it with zeros. */
typedef struct {
  frames_chunk *owned_chunk;
  size_t start, end; /* of the bytes in the chunk that are not taken yet */
  frames_lost lost;
  const char *fault; /* what was wrong, after frames_next returned -1 */
} frames;

typedef struct {
  uint8_t message, flags;
  uint16_t number;
  const uint8_t *lent_payload; /* what follows the frame's first 8 bytes */
  size_t length;
  frames_chunk *chunk; /* for frames_release */
  int lost;            /* a CALL of which only the header is left */
} frame;

/* A CALL, checked. */
typedef struct {
  uint64_t id;
  uint16_t symbol;
  int has_body;
  int is_complete; /* see invoke_request */
  double begin_by, own_at; /* milliseconds of the host's clock */
  const char *lent_head;
  size_t head_length;
  const uint8_t *lent_body;
  size_t body_length;
} frames_call;

/* Where the next bytes belong, and how many fit. NULL when memory is out. */
uint8_t *frames_room(frames *frames, size_t *room);

/* Tells that so many bytes were put there. */
void frames_filled(frames *frames, size_t length);

/* Takes the next frame: 1, or 0 when more bytes are needed, or -1 when what came is no frame of the protocol. */
int frames_next(frames *frames, frame *frame);

/* Lets go of a frame's memory. */
void frames_release(frames_chunk *chunk);

/* Reads a CALL frame; 0 when it is malformed. */
int frames_read_call(const frame *frame, frames_call *call);

#endif
