/* answers.h - what becomes of a call, told to the host. Safe for threads. */
#ifndef DLSERVE_ANSWERS_H
#define DLSERVE_ANSWERS_H

#include <stdint.h>

#include "../invoke/invoke.h"

/* The most that a reply may have, in bytes. */
typedef struct {
  uint32_t reply; /* headers and body */
  uint32_t headers;
} answers_limits;

/* Answers with what the handler gave, or with a refusal where that is too much. A large body has been sent on return; the rest
 * is committed.
 * began, now: the clock, in milliseconds */
void answers_reply(uint64_t id, const invoke_reply *reply, const answers_limits *limits, double began, double now);

/* Answers that the handler was not called.
 * outcome: why, one of PROTOCOL_OUTCOME_; now: the clock, in milliseconds */
void answers_none(uint64_t id, uint16_t outcome, double now);

/* Ends a reply that came in parts.
 * is_broken: it is not whole */
void answers_end(uint64_t id, int is_broken, double now);

/* Answers that there are more headers than there may be. */
void answers_headers(uint64_t id, size_t bytes, double now);

#endif
