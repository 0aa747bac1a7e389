/* What the bench calls: replies of 100 bytes, of 64 KB and of 1 MB, and POST handlers that say how long their bodies were, one of which
 * takes it raw alone. Each reply is allocated and given, as most plugins do. */
#include <dlserve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENING "{\"message\":\""
#define CLOSING "\"}"

/* {"message":"xxx"} of exactly `size` bytes. */
static char *message(size_t size) {
  char *text = malloc(size + 1);
  if (text == NULL) return NULL;
  size_t filled = size - strlen(OPENING CLOSING);
  memcpy(text, OPENING, strlen(OPENING));
  memset(text + strlen(OPENING), 'x', filled);
  memcpy(text + strlen(OPENING) + filled, CLOSING, sizeof CLOSING);
  return text;
}

DLSERVE_EXPORT char *GETSmallHandler(void) {
  return message(100);
}

DLSERVE_EXPORT char *GETMediumHandler(void) {
  return message(64 * 1024);
}

DLSERVE_EXPORT char *GETLargeHandler(void) {
  return message(1024 * 1024);
}

static char *length_reply(const dlserve_exchange *exchange) {
  char *text = malloc(64);
  if (text != NULL) snprintf(text, 64, "{\"length\":%zu}", exchange->lent_request_body_length);
  return text;
}

DLSERVE_EXPORT char *POSTLengthHandler(const char *request, int *status, dlserve_exchange *exchange) {
  (void)request;
  (void)status;
  return length_reply(exchange);
}

DLSERVE_EXPORT int POSTRawHandlerBody(void) {
  return DLSERVE_BODY_RAW;
}

DLSERVE_EXPORT char *POSTRawHandler(const char *request, int *status, dlserve_exchange *exchange) {
  (void)request;
  (void)status;
  return length_reply(exchange);
}

DLSERVE_EXPORT void PluginFree(void *given) {
  free(given);
}
