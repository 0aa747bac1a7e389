/* Fuzz target: the runner's reader of what the host sends. The first byte of an input says how the rest is cut into pieces;
 * every byte of every frame that comes out is looked at. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../../native/runner/frames.h"

#define MOST_OPEN 8

static uint32_t sum;

static void look(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) sum = sum * 31 + bytes[i];
}

static void look_at_frame(const frame *frame) {
  frames_call call;
  if (!frame->lost) look(frame->lent_payload, frame->length);
  if (frame->message != PROTOCOL_CALL || !frames_read_call(frame, &call) || frame->lost) return;
  look((const uint8_t *)call.lent_head, call.head_length);
  look(call.lent_body, call.body_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  frames frames = { 0 };
  frames_chunk *open[MOST_OPEN] = { NULL };
  size_t opened = 0;
  if (size == 0) return 0;
  size_t piece = (size_t)data[0] + 1;
  int fault = 0;
  for (size_t at = 1; at < size && !fault;) {
    size_t room;
    uint8_t *place = frames_room(&frames, &room);
    if (place == NULL) break;
    if (room == 0) abort();
    size_t length = size - at;
    if (length > piece) length = piece;
    if (length > room) length = room;
    memcpy(place, data + at, length);
    frames_filled(&frames, length);
    at += length;
    for (;;) {
      frame frame;
      int got = frames_next(&frames, &frame);
      fault = got < 0;
      if (got <= 0) break;
      look_at_frame(&frame);
      /* Some frames are kept for a while, as calls that run are. */
      frames_chunk **slot = &open[opened++ % MOST_OPEN];
      if (*slot != NULL) frames_release(*slot);
      *slot = frame.chunk;
    }
  }
  if (fault && frames.fault == NULL) abort();
  for (int i = 0; i < MOST_OPEN; i++) if (open[i] != NULL) frames_release(open[i]);
  if (frames.owned_chunk != NULL) frames_release(frames.owned_chunk);
  return 0;
}
