/* dlserve.h - the contract between dlserve and a plugin, ABI 1.
 *
 * A plugin is a shared library, lib/<file>.so (.dylib on macOS). Each C function that it exports under the name
 *
 *     <METHOD><Func>Handler
 *
 * answers one endpoint: GETHelloHandler in lib/hello.so answers GET /_PLUGIN/hello/Hello. Nothing else is required.
 * A handler may declare all three parameters below, only the first two, only the first, or none.
 *
 * Pointers say who owns them: `lent` memory belongs to the host and is valid until the handler returns; `given` memory
 * belongs to the plugin, and the host calls the library's PluginFree on it as soon as it has made its copy: on everything
 * that handlers give, so a library with PluginFree gives no literals. A library without PluginFree keeps what it gives (a
 * string literal, a static buffer): the host never frees it.
 *
 * No exception and no panic may leave a handler.
 */
#ifndef DLSERVE_H
#define DLSERVE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ABI that this header describes. What is released never changes; later versions only add. */
#define DLSERVE_ABI 1

/* Put it before each function that the host looks up: its name stays plain in C++, and visible under
 * -fvisibility=hidden. */
#if defined(__cplusplus)
#define DLSERVE_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define DLSERVE_EXPORT __attribute__((visibility("default")))
#endif

/* What text cannot carry. The host makes one for each call; `size` and `abi` say what it holds, so that a library built
 * against a later header can tell which fields are there. */
typedef struct dlserve_exchange {
  uint32_t size; /* bytes of this struct as the host knows it */
  uint32_t abi;  /* the host's ABI number */

  /* In. */
  const uint8_t *lent_request_body; /* the raw body; NULL when the request has none or an empty one */
  size_t lent_request_body_length;  /* its bytes */
  int64_t deadline_unix_ms;         /* when the host stops waiting, in milliseconds since 1970 */

  /* Out. All zero at the start. */
  const uint8_t *given_reply_body; /* where not NULL, the reply body in place of the returned string */
  size_t given_reply_body_length;  /* its bytes */
  const char *given_reply_headers; /* where not NULL, "Name: value" lines, each ended by \n or \r\n, or a JSON object
                                      {"Name":"value","Name":["value","value"]} */
} dlserve_exchange;

/* The shape of every handler.
 *
 * lent_request: NUL-terminated UTF-8 JSON,
 *   {"http_vars":{"file":"hello","func":"Hello"},"url_query":{"abc":["123"]},"method":"GET",
 *    "path":"/_PLUGIN/hello/Hello","headers":{"host":"127.0.0.1:3000"},"body":null}
 *   body: the text of the request body, or null where there is none or it is not valid UTF-8.
 *   A request by a route of the plugin's own, see PluginRoutes, has the names of its path in http_vars, and before "body" the key
 *   "route": "GET /hello/{name}".
 *   There is no white space between tokens, and the keys come in this order; later versions add keys before "body".
 * status: holds -1, which means 200; the handler may store 200..599.
 * exchange: see above.
 * Returns the reply body, application/json unless the reply headers say otherwise; "" is an empty reply, and NULL
 *   without given_reply_body is an error (500 NO_REPLY).
 */
typedef char *dlserve_handler(const char *lent_request, int *status, dlserve_exchange *exchange);

/* Appends the line "name: value" to the lines in a buffer of `size` bytes, a string, at first "". For values that come from
 * a client: in the text of given_reply_headers a line break would begin a header of its own.
 * Returns 0; or -1, and appends nothing, where name or value would not stay one header or the buffer has no room. */
static inline int dlserve_add_header(char *lines, size_t size, const char *name, const char *value) {
  size_t used = strlen(lines), name_length = strlen(name), value_length = strlen(value);
  if (name_length == 0 || strpbrk(name, ":\r\n") != NULL || strpbrk(value, "\r\n") != NULL) return -1;
  if (size < used + name_length + value_length + sizeof(": \n")) return -1;

  char *end = lines + used;
  memcpy(end, name, name_length);
  memcpy(end + name_length, ": ", 2);
  memcpy(end + name_length + 2, value, value_length);
  memcpy(end + name_length + 2 + value_length, "\n", sizeof("\n"));
  return 0;
}

/* Optional exports, by the name that the host looks up. To have the compiler check yours, declare it first, in C++ within
 * extern "C": `dlserve_init PluginInit;`, and for a handler with all three parameters `dlserve_handler GETHelloHandler;`. */

/* PluginABI: the ABI that the library was written for; return DLSERVE_ABI. Absent: 1. */
typedef uint32_t dlserve_abi(void);

/* PluginFree: releases what the library gave: strings, reply bodies, reply headers, PluginInit's error. */
typedef void dlserve_free(void *given);

/* PluginConcurrency: how many threads may be inside the library at once; 0 means any number. Absent: 1, one by one. */
typedef int dlserve_concurrency(void);

/* PluginInit: called once after loading, with the plugin's configuration as a JSON object. Non-zero refuses to load, and
 * *given_error may then be set to a text that says why. */
typedef int dlserve_init(const char *lent_config, char **given_error);

/* PluginStop: called once before the host lets go of the library. */
typedef void dlserve_stop(void);

/* PluginRoutes: the routes of the plugin's own, beside those at /_PLUGIN/; called once, when the plugin has been initialised.
 * Returns JSON, which the host copies at once and does not free, or NULL for none:
 *   [{"method":"GET","path":"/hello/{name}","handler":"GETHelloHandler"}]
 *   path: {name} is one segment, a last {name...} all the rest; what stands there is in http_vars.
 *   handler: any exported function of the shape of a handler, whatever it is called.
 *   A JSON string in place of the list says what went wrong: the plugin is not served then. */
typedef const char *dlserve_routes(void);

/* PluginFactory: not a function but an object, `DLSERVE_EXPORT const dlserve_plugin PluginFactory = {...};` in C, through which the
 * host starts and stops the plugin. Every pointer but `name` may be NULL. */
typedef struct dlserve_plugin {
  uint32_t size; /* sizeof(dlserve_plugin), by which the host knows which fields are there */
  uint32_t abi;  /* DLSERVE_ABI */

  /* What the plugin calls itself, for people; called once, first of all. */
  const char *(*name)(void);

  /* As PluginInit, and called after it. Non-zero: the plugin is not served, and *given_error may say why. */
  int (*start)(const char *lent_config, char **given_error);

  /* Called once, when no handler runs any more, and before PluginStop; only where start has succeeded. Non-zero: something was not
   * ended as it should be, and *given_error may say what; the host logs it. */
  int (*stop)(char **given_error);

  /* As PluginRoutes, called after start. */
  const char *(*routes)(void);
} dlserve_plugin;

#ifdef __cplusplus
}
#endif

#endif
