/* The plugin that is replaced under load: each reply is full of the number of its generation, which whoever makes a generation
 * writes into the file. A generation that is not initialised, or was stopped already, says so. */
#include "dlserve.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGITS 8
#define REPEATED 512

/* Not read at compile time: what stands in the file counts. */
static const volatile char mark[] = "GENERATION=00000000";

static atomic_int life;

static char number(int i) { return life == 1 ? mark[sizeof "GENERATION=" - 1 + i] : 'x'; }

DLSERVE_EXPORT int PluginConcurrency(void) { return 8; }

/* A generation whose number begins with 9 refuses. */
DLSERVE_EXPORT int PluginInit(const char *lent_config, char **given_error) {
  (void)lent_config;
  (void)given_error;
  life = 1;
  return number(0) == '9';
}

DLSERVE_EXPORT void PluginStop(void) { life = 2; }

DLSERVE_EXPORT void PluginFree(void *given) { free(given); }

/* Milliseconds, of the query. */
static useconds_t wait_of(const char *request) {
  const char *start = strstr(request, "\"wait\":[\"");
  return start == NULL ? 0 : (useconds_t)atoi(strchr(start, '[') + 2);
}

/* The number REPEATED times, and in a header; half of it is made before a wait, half afterwards. */
DLSERVE_EXPORT char *GETNumberHandler(const char *lent_request, int *status, dlserve_exchange *exchange) {
  (void)status;
  char *headers = malloc(64);
  int at = sprintf(headers, "X-Generation: ");
  for (int i = 0; i < DIGITS; i++) headers[at + i] = number(i);
  sprintf(headers + at + DIGITS, "\n");
  exchange->given_reply_headers = headers;
  char *text = malloc(DIGITS * REPEATED + 1);
  for (int i = 0; i < DIGITS * REPEATED; i++) {
    if (i == DIGITS * REPEATED / 2) usleep(500 + 1000 * wait_of(lent_request));
    text[i] = number(i % DIGITS);
  }
  text[DIGITS * REPEATED] = '\0';
  return text;
}
