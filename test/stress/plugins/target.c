/* The plugin under stress: what each handler answers follows from its request, and each call is counted. */
#include "dlserve.h"
#include "gopher/tally.h"
#include <stdio.h>

int PluginInit(const char *config, char **error) {
  (void)error;
  return tally_open(config);
}

void PluginFree(void *given) { free(given); }

static long begin(const char *request) {
  long n = tally_number(request, "\"n\":[\"");
  tally_count(n, 0);
  return n;
}

/* "17 abcdefg", as many letters as the query's "size" says, after "wait" milliseconds. */
char *GETTextHandler(const char *request) {
  long n = begin(request);
  long size = tally_number(request, "\"size\":[\"");
  usleep((useconds_t)tally_number(request, "\"wait\":[\"") * 1000);
  char *text = malloc((size_t)size + 32);
  char *at = text + sprintf(text, "%ld ", n);
  for (long i = 0; i < size; i++) *at++ = (char)('a' + i % 26);
  *at = '\0';
  tally_count(n, 1);
  return text;
}

/* Each byte of the body inverted, and the number in a header. */
char *PUTInvertHandler(const char *request, int *status, dlserve_exchange *exchange) {
  long n = begin(request);
  size_t length = exchange->lent_request_body_length;
  uint8_t *bytes = malloc(length + 1);
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)~exchange->lent_request_body[i];
  char *headers = malloc(64);
  sprintf(headers, "Content-Type: application/octet-stream\nX-Call: %ld\n", n);
  exchange->given_reply_body = bytes;
  exchange->given_reply_body_length = length;
  exchange->given_reply_headers = headers;
  *status = 200;
  tally_count(n, 1);
  return NULL;
}

/* Volatile, so that the compiler doesn't see what is wrong with it. */
static volatile int *volatile nowhere = NULL;
static volatile int endless = 1;

static int deeper(volatile char *above) {
  volatile char frame[4096];
  frame[0] = above[0];
  return endless ? deeper(frame) + frame[0] : 0;
}

static void segv(void) { *nowhere = 1; }
static void leave(void) { exit(0); }
static void hang(void) {
  while (endless) pause();
}
static void overflow(void) {
  volatile char start[1] = { 0 };
  deeper(start);
}

#define GUILTY(name, crash)                    \
  char *GET##name##Handler(const char *request) { \
    begin(request);                            \
    crash();                                   \
    return strdup("survived");                 \
  }                                            \
  char *PUT##name##Handler(const char *request) { return GET##name##Handler(request); }

GUILTY(Segv, segv)
GUILTY(Abort, abort)
GUILTY(Exit, leave)
GUILTY(Overflow, overflow)
GUILTY(Hang, hang)
