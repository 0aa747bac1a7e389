/* driver LIBRARY REQUEST SYMBOL...: calls handlers as dlserve does, and writes "STATUS LENGTH\n", the reply and "\n" for
 * each. A status of -2 says that there is no such symbol; that of a <handler>Body is what it returns. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlserve.h"

int main(int count, char **arguments) {
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  dlserve_free *release;
  *(void **)&release = dlsym(library, "PluginFree");
  for (int i = 3; i < count; i++) {
    dlserve_handler *handler;
    *(void **)&handler = dlsym(library, arguments[i]);
    if (handler == NULL) {
      printf("-2 0\n\n");
      continue;
    }
    size_t name = strlen(arguments[i]);
    if (name > 4 && strcmp(arguments[i] + name - 4, "Body") == 0) {
      printf("%d 0\n\n", ((dlserve_body *)(void *)handler)());
      continue;
    }
    dlserve_exchange exchange = {.size = sizeof exchange, .abi = DLSERVE_ABI};
    int status = -1;
    char *text = handler(arguments[2], &status, &exchange);
    const void *body = exchange.given_reply_body ? exchange.given_reply_body : (const void *)text;
    size_t length = exchange.given_reply_body ? exchange.given_reply_body_length : text ? strlen(text) : 0;
    printf("%d %zu\n", status, length);
    if (body != NULL) fwrite(body, 1, length, stdout);
    printf("\n");
    if (release != NULL) {
      if (text != NULL) release(text);
      if (exchange.given_reply_body != NULL) release((void *)exchange.given_reply_body);
      if (exchange.given_reply_headers != NULL) release((void *)exchange.given_reply_headers);
    }
  }
  return 0;
}
