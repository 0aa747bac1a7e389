/* c-hello.c - a plugin in C. Compiled to lib/c-hello.so, it answers
 *
 *     curl 'http://127.0.0.1:3000/_PLUGIN/c-hello/Hello?name=Ada'
 */
#include <dlserve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Finds the first value of a query parameter in the request, {..."url_query":{"name":["Ada"]}...}, and returns it as it
 * stands there: a JSON string with its quotes and escapes, ready to be copied into other JSON. NULL where it is absent.
 * A quote inside a string is written \", so {"name":[" and ,"name":[" can't be anything but the key. */
static const char *query_value(const char *request, const char *key, size_t *length) {
  char first[64], later[64];
  snprintf(first, sizeof first, "{\"%s\":[\"", key);
  snprintf(later, sizeof later, ",\"%s\":[\"", key);
  const char *found = strstr(request, first);
  if (found == NULL) found = strstr(request, later);
  if (found == NULL) return NULL;
  const char *value = found + strlen(first) - 1;
  const char *end = value + 1;
  while (*end != '"') end += *end == '\\' ? 2 : 1;
  *length = (size_t)(end + 1 - value);
  return value;
}

/* GET /_PLUGIN/c-hello/Hello. The request is lent: copy what must outlive the call. */
DLSERVE_EXPORT char *GETHelloHandler(const char *request) {
  size_t length;
  const char *name = query_value(request, "name", &length);
  if (name == NULL) {
    name = "\"world\"";
    length = strlen(name);
  }

  size_t size = sizeof "{\"hello\":}" + length;
  char *reply = malloc(size);
  if (reply == NULL) return NULL; /* no reply: the host answers 500 */
  snprintf(reply, size, "{\"hello\":%.*s}", (int)length, name);
  return reply;
}

/* The host calls this on each reply, as soon as it has made its copy. */
DLSERVE_EXPORT void PluginFree(void *given) {
  free(given);
}
