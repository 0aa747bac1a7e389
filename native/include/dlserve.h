/* dlserve.h - the contract between dlserve and a plugin, ABI 2.
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
#define DLSERVE_ABI 2

/* Put it before each function that the host looks up: its name stays plain in C++, and visible under
 * -fvisibility=hidden. */
#if defined(__cplusplus)
#define DLSERVE_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define DLSERVE_EXPORT __attribute__((visibility("default")))
#endif

typedef struct dlserve_host dlserve_host;

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

  /* ABI 2: only where `abi` is at least 2. */
  const dlserve_host *host; /* what the handler may ask of the host; lent as long as the library is open */
} dlserve_exchange;

/* What the functions of the host return. */
#define DLSERVE_OK 0
#define DLSERVE_GONE -1      /* nobody waits for the reply any more, or its time is over: end the call */
#define DLSERVE_UNAVAILABLE -2 /* not to be had here, or not any more; docs/abi.md says when */
#define DLSERVE_NO_MEMORY -3
#define DLSERVE_FAILED -4    /* of `ask`: the answer says why */

/* Levels of `log`. */
#define DLSERVE_DEBUG 0
#define DLSERVE_INFO 1
#define DLSERVE_WARN 2
#define DLSERVE_ERROR 3

/* The functions of the host. The first parameter of each is the exchange that the handler got. They may be called from any thread until
 * the handler returns, for one exchange by one thread at a time, but for is_cancelled and log, which any may call whenever. */
struct dlserve_host {
  uint32_t size; /* bytes of this struct as the host knows it: a function that it does not reach is not there */
  uint32_t unused;

  /* Sends a part of the reply now; with the first part go the status and the given_reply_headers as they are then. Copies the bytes,
   * and waits while the client is slower than the handler. What the handler returns in the end is the last part; it may be NULL.
   * A status of 500 or above stored after the first part breaks the connection off, so that the client sees that the reply is not whole.
   * DLSERVE_OK, DLSERVE_GONE or DLSERVE_NO_MEMORY. */
  int (*write)(dlserve_exchange *exchange, const void *lent_part, size_t length);

  /* Copies the next bytes of the request body to `buffer`, waiting until there are some. Returns how many, 0 at the end of the body, or
   * DLSERVE_GONE. For a handler that declares DLSERVE_BODY_STREAM the body comes while it runs, however large it is; for others it reads
   * from lent_request_body. */
  int64_t (*read)(dlserve_exchange *exchange, void *buffer, size_t capacity);

  /* 1 where nobody waits for the reply any more, its time is over, or the plugin is to stop; else 0. Never waits. */
  int (*is_cancelled)(dlserve_exchange *exchange);

  /* Asks the host for a service, and waits for the answer.
   * lent_params: JSON, or NULL for null; *lent_answer: JSON, valid until the next ask with this exchange or until the handler returns.
   * DLSERVE_OK; else *lent_answer is {"code":"...","message":"..."}: DLSERVE_FAILED, DLSERVE_GONE where the call's time is over,
   * DLSERVE_UNAVAILABLE in mode inline. */
  int (*ask)(dlserve_exchange *exchange, const char *lent_service, const char *lent_params, const char **lent_answer);

  /* Writes a line to the host's log, with plugin, handler and request id; DLSERVE_DEBUG to DLSERVE_ERROR. Never waits: what comes too
   * fast is counted, and the log says how many lines it has lost. */
  void (*log)(dlserve_exchange *exchange, int level, const char *lent_text);

  /* Lets the reply go on after the handler has returned: status and headers are sent when it returns, if they were not, and what it
   * returns is a part like any other. Returns the exchange for the calls that follow, from any thread, until `end`; NULL where there
   * is no memory or, in mode inline, at all. The exchange that the handler got, its request and its body end with the handler. */
  dlserve_exchange *(*keep)(dlserve_exchange *exchange);

  /* Ends a reply that was kept; its exchange is freed. Every exchange that is kept must be ended, also after DLSERVE_GONE, and before
   * PluginStop returns. `broken`: not 0 breaks the connection off. */
  void (*end)(dlserve_exchange *kept, int broken);
};

/* Whether the host has these functions: not one of ABI 1, and not where dlserve's native parts could not be built. */
static inline int dlserve_has_host(const dlserve_exchange *exchange) { return exchange->abi >= 2; }

/* The same as functions, also for languages that can't call a pointer, as Go. Where the host has none: DLSERVE_UNAVAILABLE, 0, NULL or
 * nothing. */
static inline int dlserve_write(dlserve_exchange *exchange, const void *lent_part, size_t length) {
  return dlserve_has_host(exchange) ? exchange->host->write(exchange, lent_part, length) : DLSERVE_UNAVAILABLE;
}
static inline int64_t dlserve_read(dlserve_exchange *exchange, void *buffer, size_t capacity) {
  return dlserve_has_host(exchange) ? exchange->host->read(exchange, buffer, capacity) : DLSERVE_UNAVAILABLE;
}
static inline int dlserve_is_cancelled(dlserve_exchange *exchange) {
  return dlserve_has_host(exchange) ? exchange->host->is_cancelled(exchange) : 0;
}
static inline int dlserve_ask(dlserve_exchange *exchange, const char *lent_service, const char *lent_params, const char **lent_answer) {
  *lent_answer = "{\"code\":\"UNAVAILABLE\",\"message\":\"this host has no services\"}";
  return dlserve_has_host(exchange) ? exchange->host->ask(exchange, lent_service, lent_params, lent_answer) : DLSERVE_UNAVAILABLE;
}
static inline void dlserve_log(dlserve_exchange *exchange, int level, const char *lent_text) {
  if (dlserve_has_host(exchange)) exchange->host->log(exchange, level, lent_text);
}
static inline dlserve_exchange *dlserve_keep(dlserve_exchange *exchange) {
  return dlserve_has_host(exchange) ? exchange->host->keep(exchange) : NULL;
}
static inline void dlserve_end(dlserve_exchange *kept, int broken) { kept->host->end(kept, broken); }

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

/* PluginBody: how the library's handlers take a request's body; called once, when the library has been initialised. A handler of
 * its own mind has a function of the same type, called <handler>Body: POSTUploadHandlerBody. Absent: DLSERVE_BODY_TEXT. */
#define DLSERVE_BODY_TEXT 0   /* as text in the JSON, and raw */
#define DLSERVE_BODY_RAW 1    /* raw in lent_request_body alone: "body" in the JSON is null, and nothing is escaped */
#define DLSERVE_BODY_NONE 2   /* not at all: what a client sends is read and dropped */
#define DLSERVE_BODY_STREAM 3 /* by `read`, while the handler runs: of any size, and never as a whole in memory */
typedef int dlserve_body(void);

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
