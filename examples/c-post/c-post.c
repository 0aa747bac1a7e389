/* c-post.c - reads the body of a POST, sets the status and the headers of the reply. Compiled to lib/c-post.so, it answers
 *
 *     curl -i -d 'Hello, plugin!' http://127.0.0.1:3000/_PLUGIN/c-post/Upper
 */
#include <dlserve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The compiler checks our functions against the contract, because they are declared with its types first. */
dlserve_handler POSTUpperHandler;
dlserve_free PluginFree;

static char upper(uint8_t byte) {
  return (char)(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
}

/* POST /_PLUGIN/c-post/Upper. The raw body is in the exchange, with its length: it may hold any byte, also NUL, so the
 * reply goes out by pointer and length too. */
DLSERVE_EXPORT char *POSTUpperHandler(const char *request, int *status, dlserve_exchange *exchange) {
  (void)request;
  size_t length = exchange->lent_request_body_length;
  if (length == 0) {
    *status = 400;
    return strdup("{\"error\":\"send some text\"}");
  }

  size_t headers_size = 128;
  char *body = malloc(length);
  char *headers = malloc(headers_size);
  if (body == NULL || headers == NULL) {
    free(body);
    free(headers);
    return NULL; /* no reply: the host answers 500 */
  }
  for (size_t i = 0; i < length; i++) body[i] = upper(exchange->lent_request_body[i]);
  snprintf(headers, headers_size, "Content-Type: text/plain; charset=utf-8\nX-Bytes-Read: %zu\n", length);

  *status = 201;
  exchange->given_reply_body = (const uint8_t *)body;
  exchange->given_reply_body_length = length;
  exchange->given_reply_headers = headers;
  return NULL; /* the reply is in the exchange */
}

/* Everything that a handler gives comes here: returned strings, reply bodies and reply headers. So all are allocated in
 * the same way, string literals (the error above) too. */
DLSERVE_EXPORT void PluginFree(void *given) {
  free(given);
}
