/* c-stream.c - replies in parts, and takes a body of any size in parts. Compiled to lib/c-stream.so, it answers
 *
 *     curl -N 'http://127.0.0.1:3000/_PLUGIN/c-stream/Tokens?text=one+two+three'
 *     curl -N http://127.0.0.1:3000/_PLUGIN/c-stream/Clock
 *     curl -T large.iso -X POST http://127.0.0.1:3000/_PLUGIN/c-stream/Sum
 */
#include <dlserve.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

DLSERVE_EXPORT uint32_t PluginABI(void) { return DLSERVE_ABI; }

/* A handler that replies in parts holds its thread until it returns. */
DLSERVE_EXPORT int PluginConcurrency(void) { return 16; }

DLSERVE_EXPORT void PluginFree(void *given) { free(given); }

#define EVENTS "Content-Type: text/event-stream\nCache-Control: no-store\n"

static char *answer(int *status, int code, const char *words) {
  *status = code;
  return strdup(words);
}

/* GET /_PLUGIN/c-stream/Tokens?text=...: server-sent events, one for each word, as a model would make them. */
DLSERVE_EXPORT char *GETTokensHandler(const char *request, int *status, dlserve_exchange *exchange) {
  if (!dlserve_has_host(exchange)) return answer(status, 501, "{\"error\":\"this host has no streams\"}");
  const char *text = strstr(request, "\"text\":[\"");
  text = text == NULL ? "nothing was asked" : text + 9;
  exchange->given_reply_headers = strdup(EVENTS);

  while (*text != '\0' && *text != '"') {
    int length = (int)strcspn(text, " \"");
    char event[256];
    int size = snprintf(event, sizeof event, "data: %.*s\n\n", length < 200 ? length : 200, text);
    /* Waits while the client is slow, and says so when it has left. */
    if (exchange->host->write(exchange, event, (size_t)size) != DLSERVE_OK) return NULL;
    usleep(20000);
    text += length + (text[length] == ' ');
  }
  return strdup("event: done\ndata:\n\n"); /* the last part */
}

/* POST /_PLUGIN/c-stream/Sum: a body of any size, of which no more than a buffer is here. */
DLSERVE_EXPORT int POSTSumHandlerBody(void) { return DLSERVE_BODY_STREAM; }

DLSERVE_EXPORT char *POSTSumHandler(const char *request, int *status, dlserve_exchange *exchange) {
  (void)request;
  size_t capacity = 256 * 1024;
  unsigned char *buffer = malloc(capacity);
  if (buffer == NULL) return NULL;
  unsigned long long bytes = 0, sum = 14695981039346656037u; /* FNV-1a */
  int64_t length;
  while ((length = exchange->host->read(exchange, buffer, capacity)) > 0) {
    for (int64_t i = 0; i < length; i++) sum = (sum ^ buffer[i]) * 1099511628211u;
    bytes += (unsigned long long)length;
  }
  free(buffer);
  if (length < 0) return answer(status, 400, "{\"error\":\"the body has no end\"}"); /* the client has left */
  char *reply = malloc(96);
  if (reply != NULL) snprintf(reply, 96, "{\"bytes\":%llu,\"fnv1a\":\"%016llx\"}", bytes, sum);
  return reply;
}

/* Clients that wait for something to happen. They are kept, so none of them holds a thread: one thread of the plugin's own writes to all. */
static struct waiting {
  struct waiting *next;
  dlserve_exchange *exchange;
} *all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t ticker;
static volatile int stops;

static void *tick(void *unused) {
  (void)unused;
  while (!stops) {
    usleep(500000);
    char event[64];
    int size = snprintf(event, sizeof event, "data: %lld\n\n", (long long)time(NULL));
    pthread_mutex_lock(&lock);
    for (struct waiting **place = &all; *place != NULL;) {
      struct waiting *one = *place;
      if (!stops && one->exchange->host->write(one->exchange, event, (size_t)size) == DLSERVE_OK) {
        place = &one->next;
        continue;
      }
      *place = one->next;
      one->exchange->host->end(one->exchange, 0); /* whatever is kept is ended */
      free(one);
    }
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

DLSERVE_EXPORT int PluginInit(const char *config, char **given_error) {
  (void)config;
  if (pthread_create(&ticker, NULL, tick, NULL) == 0) return 0;
  *given_error = strdup("no thread for the clock");
  return 1;
}

DLSERVE_EXPORT void PluginStop(void) {
  stops = 1;
  pthread_join(ticker, NULL);
}

/* GET /_PLUGIN/c-stream/Clock: an event twice a second, for as many clients as there are. */
DLSERVE_EXPORT char *GETClockHandler(const char *request, int *status, dlserve_exchange *exchange) {
  (void)request;
  if (!dlserve_has_host(exchange)) return answer(status, 501, "{\"error\":\"this host has no streams\"}");
  struct waiting *one = malloc(sizeof *one);
  if (one == NULL) return NULL;
  exchange->given_reply_headers = strdup(EVENTS);
  one->exchange = exchange->host->keep(exchange);
  if (one->exchange == NULL) {
    free(one);
    return answer(status, 501, "{\"error\":\"nothing can be kept in mode inline\"}");
  }
  pthread_mutex_lock(&lock);
  one->next = all;
  all = one;
  pthread_mutex_unlock(&lock);
  return NULL; /* the reply goes on */
}
