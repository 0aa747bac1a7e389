/* driver-host LIBRARY REQUEST BODY GONE SYMBOL...: calls handlers as a host of ABI 2 does, and writes what it is asked, a line for each
 * thing, as JSON as far as C can tell. After GONE parts of a reply nobody waits for it any more. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dlserve.h"

typedef struct call {
  dlserve_exchange exchange;
  int status;
  int parts, gone_after;
  const char *body;
  char *answer;
} call;

static void show(const char *what, const void *text, size_t length) {
  printf("%s ", what);
  if (length > 1000) printf("%zu bytes", length);
  else for (const char *at = text, *end = at + length; at < end; at++) if (*at == '\n') printf("\\n"); else putchar(*at);
  printf("\n");
  fflush(stdout);
}

static int is_cancelled(dlserve_exchange *exchange) {
  call *asked = (call *)exchange;
  return asked->parts >= asked->gone_after;
}

static int write_part(dlserve_exchange *exchange, const void *part, size_t length) {
  call *asked = (call *)exchange;
  if (is_cancelled(exchange)) return DLSERVE_GONE;
  const char *headers = exchange->given_reply_headers;
  if (asked->parts++ == 0) printf("head %d %s\n", asked->status, headers ? headers : "");
  show("part", part, length);
  return DLSERVE_OK;
}

static int64_t read_body(dlserve_exchange *exchange, void *buffer, size_t capacity) {
  call *asked = (call *)exchange;
  size_t length = strlen(asked->body);
  if (length > 4) length = 4;
  if (length > capacity) length = capacity;
  memcpy(buffer, asked->body, length);
  asked->body += length;
  show("read", buffer, length);
  return (int64_t)length;
}

static int ask(dlserve_exchange *exchange, const char *service, const char *params, const char **answer) {
  call *asked = (call *)exchange;
  printf("ask %s %s\n", service, params ? params : "NULL");
  free(asked->answer);
  int known = strcmp(service, "echo") == 0;
  asked->answer = strdup(known ? params : "{\"code\":\"UNKNOWN_SERVICE\",\"message\":\"there is none\"}");
  *answer = asked->answer;
  return known ? DLSERVE_OK : DLSERVE_FAILED;
}

static void write_log(dlserve_exchange *exchange, int level, const char *text) {
  (void)exchange;
  printf("log %d %s\n", level, text);
}

static const dlserve_host host = {
  .size = sizeof host, .write = write_part, .read = read_body, .is_cancelled = is_cancelled, .ask = ask, .log = write_log,
};

int main(int count, char **arguments) {
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  dlserve_free *release;
  *(void **)&release = dlsym(library, "PluginFree");
  const dlserve_plugin *factory = dlsym(library, "PluginFactory");
  char *error = NULL;
  if (factory != NULL) {
    printf("name %s\n", factory->name());
    if (factory->start("{}", &error) != 0) printf("error %s\n", error);
    printf("routes %s\n", factory->routes());
  }
  for (int i = 5; i < count; i++) {
    dlserve_handler *handler;
    *(void **)&handler = dlsym(library, arguments[i]);
    call made = {
      .exchange = {.size = sizeof made.exchange, .abi = DLSERVE_ABI, .host = &host, .deadline_unix_ms = (time(NULL) + 60) * 1000},
      .status = -1,
      .gone_after = atoi(arguments[4]),
      .body = arguments[3],
    };
    if (strncmp(arguments[i], "PluginStream", 12) != 0) {
      made.exchange.lent_request_body = (const uint8_t *)arguments[3];
      made.exchange.lent_request_body_length = strlen(arguments[3]);
    }
    char *text = handler(arguments[2], &made.status, &made.exchange);
    const void *body = made.exchange.given_reply_body ? made.exchange.given_reply_body : (const void *)text;
    size_t length = made.exchange.given_reply_body ? made.exchange.given_reply_body_length : text ? strlen(text) : 0;
    printf("end %d", made.status);
    if (made.parts == 0 && made.exchange.given_reply_headers != NULL) printf(" %s", made.exchange.given_reply_headers);
    printf("\n");
    show("rest", body, length);
    if (release != NULL) {
      if (text != NULL) release(text);
      if (made.exchange.given_reply_body != NULL) release((void *)made.exchange.given_reply_body);
      if (made.exchange.given_reply_headers != NULL) release((void *)made.exchange.given_reply_headers);
    }
    free(made.answer);
  }
  if (factory != NULL && factory->stop(&error) != 0) printf("error %s\n", error);
  return 0;
}
