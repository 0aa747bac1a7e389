/* invoke.h - how a handler is called. The runner and the addon share it, so a call is the same bytes in every mode. */
#ifndef DLSERVE_INVOKE_H
#define DLSERVE_INVOKE_H

#include "../include/dlserve.h"

/* A thread's own memory for the text of a request: grown as needed, kept from call to call. Start it with zeros. */
typedef struct {
  char *owned_text;
  size_t capacity;
} invoke_scratch;

typedef struct {
  const char *lent_head; /* the request JSON; where `has_body`, it ends right before the body's value */
  size_t head_length;
  const uint8_t *lent_body;
  size_t body_length;
  int has_body;
  int is_complete; /* the head is the whole text, whether or not there is a body: the handler does not take it as text */
  int64_t deadline_unix_ms;
} invoke_request;

/* The exchange of one call, with the status that belongs to it. Whoever calls may keep more behind it: the host's functions get it back. */
typedef struct {
  dlserve_exchange exchange;
  int status;
} invoke_exchange;

/* Bodies up to this many bytes become strings in JavaScript if they are ASCII: those leave in one write with the head. Longer
 * ones are cheaper to write as bytes. */
#define INVOKE_MOST_TEXT 16384u

/* What the handler gave. The pointers are the plugin's until invoke_release. */
typedef struct {
  int status;
  int has_body; /* 0: neither string nor bytes */
  int is_ascii; /* the body is at most INVOKE_MOST_TEXT long, and every byte of it is below 0x80 */
  const char *given_body;
  size_t body_length;
  const char *given_headers; /* or NULL */
  size_t headers_length;
  char *given_string; /* what the handler returned, for invoke_release */
} invoke_reply;

/* Writes the request's text into the scratch and returns it, or NULL when memory is out. Bytes that are valid UTF-8 become
 * a JSON string, escaped exactly as JavaScript's JSON.stringify does; others become null. */
const char *invoke_text(invoke_scratch *scratch, const invoke_request *request);

/* Fills the exchange of a call; `host` are the functions that it may use. */
void invoke_begin(invoke_exchange *exchange, const invoke_request *request, const dlserve_host *host);

/* Calls the handler with a text made by invoke_text. */
void invoke_call(dlserve_handler *handler, const char *lent_text, invoke_exchange *exchange, invoke_reply *reply);

/* Gives every pointer of the reply back to the library, once each; `release` is its PluginFree, or NULL when it lends. */
void invoke_release(dlserve_free *release, invoke_reply *reply);

/* Above this many bytes a scratch is not kept from call to call: it would be kept once a thread. */
#define INVOKE_SCRATCH_KEPT (1024u * 1024u)

/* Frees a scratch that one large request has grown, so that a thread at rest is small. */
void invoke_scratch_trim(invoke_scratch *scratch);

#endif
