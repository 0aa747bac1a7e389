/* inline_host.h - the functions of the host, as handlers of mode "inline" call them: nothing leaves before they return, so what they write
 * and log is gathered. */
#ifndef DLSERVE_INLINE_HOST_H
#define DLSERVE_INLINE_HOST_H

#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../invoke/invoke.h"

/* Lines of the log that one call may have. */
#define INLINE_LINES 1024

typedef struct inline_line {
  struct inline_line *next;
  int level;
  char text[];
} inline_line;

typedef struct {
  invoke_exchange call;
  size_t most_reply;
  const uint8_t *lent_body;
  size_t body_length;
  size_t cursor; /* of `read` */

  /* What was written. */
  int has_begun;
  int is_short; /* memory was out, or it was too much */
  int head_status;
  char *owned_headers; /* or NULL */
  char *owned_bytes;
  size_t length;
  size_t capacity;

  /* Of the log, which any thread may write. */
  pthread_mutex_t lock;
  inline_line *first_line;
  inline_line **last_line;
  int line_count;
} inline_exchange;

extern const dlserve_host inline_host;

void inline_begin(inline_exchange *exchange, const invoke_request *request, size_t most_reply);

/* Appends bytes to what was written. 0 where there is no memory for them, or they would be more than a reply may have: `is_short` is set then. */
int inline_append(inline_exchange *exchange, const void *bytes, size_t length);

/* Level and text of each line in turn; the last level is followed by no text and counts lines that are lost. NULL where there are none, or an exception is pending. */
napi_value inline_lines(napi_env env, inline_exchange *exchange);

void inline_end(inline_exchange *exchange);

#endif
