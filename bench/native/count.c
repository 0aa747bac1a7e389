/* Runs one case of the code that every mode calls handlers with, for callgrind to count.
 *
 *     count CASE TIMES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/invoke/invoke.h"

#define MB (1024 * 1024)

static const char get_head[] =
  "{\"http_vars\":{\"file\":\"bench\",\"func\":\"Small\"},\"url_query\":{},\"method\":\"GET\",\"path\":\"/_PLUGIN/bench/Small\","
  "\"headers\":{\"host\":\"127.0.0.1:3000\",\"user-agent\":\"bench\",\"accept\":\"*/*\"},\"body\":null}";

static const char post_head[] =
  "{\"http_vars\":{\"file\":\"bench\",\"func\":\"Length\"},\"url_query\":{},\"method\":\"POST\",\"path\":\"/_PLUGIN/bench/Length\","
  "\"headers\":{\"host\":\"127.0.0.1:3000\",\"content-length\":\"1024\"},\"body\":";

static char small_reply[101];
static char large_reply[MB + 1];

/* They lend, so that no allocator is counted. */
static char *reply_small(const char *request, int *status, dlserve_exchange *exchange) {
  (void)request, (void)status, (void)exchange;
  return small_reply;
}

static char *reply_large(const char *request, int *status, dlserve_exchange *exchange) {
  (void)request, (void)status, (void)exchange;
  return large_reply;
}

static invoke_request get(void) {
  return (invoke_request){.lent_head = get_head, .head_length = sizeof get_head - 1};
}

static invoke_request post(const char *pattern, size_t length) {
  uint8_t *body = malloc(length);
  if (body == NULL) exit(1);
  for (size_t i = 0; i < length; i++) body[i] = (uint8_t)pattern[i % strlen(pattern)];
  return (invoke_request){
    .lent_head = post_head, .head_length = sizeof post_head - 1, .lent_body = body, .body_length = length, .has_body = 1};
}

static void run(const invoke_request *request, dlserve_handler *handler, int times) {
  invoke_scratch scratch = {0};
  for (int i = 0; i < times; i++) {
    invoke_reply reply;
    const char *text = invoke_text(&scratch, request);
    if (text == NULL) exit(1);
    invoke_call(handler, text, request, &reply);
    invoke_release(NULL, &reply);
  }
  free(scratch.owned_text);
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  const char *name = arguments[1];
  memset(small_reply, 'x', 100);
  memset(large_reply, 'x', MB);

  invoke_request request = get();
  dlserve_handler *handler = reply_small;
  if (strcmp(name, "get") == 0) handler = reply_small;
  else if (strcmp(name, "get-1mb") == 0) handler = reply_large;
  else if (strcmp(name, "post-1kb") == 0) request = post("plain text, as it is; ", 1024);
  else if (strcmp(name, "post-1kb-json") == 0) request = post("{\"key\":\"value\\n\"},", 1024);
  else if (strcmp(name, "post-1mb") == 0) request = post("plain text, as it is; ", MB);
  else return 2;
  run(&request, handler, atoi(arguments[2]));
  return 0;
}
