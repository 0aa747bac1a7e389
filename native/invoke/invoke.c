#include "invoke.h"

#include <stdlib.h>
#include <string.h>

/* The worst escape: one byte becomes the six of \u00XX. */
#define WORST_ESCAPE 6

static int scratch_reserve(invoke_scratch *scratch, size_t length) {
  if (length <= scratch->capacity) return 1;
  size_t capacity = length < 4096 ? 4096 : length;
  char *grown = realloc(scratch->owned_text, capacity);
  if (grown == NULL) return 0;
  scratch->owned_text = grown;
  scratch->capacity = capacity;
  return 1;
}

void invoke_scratch_trim(invoke_scratch *scratch) {
  if (scratch->capacity <= INVOKE_SCRATCH_KEPT) return;
  free(scratch->owned_text);
  scratch->owned_text = NULL;
  scratch->capacity = 0;
}

/* Length of the UTF-8 sequence at `at` (RFC 3629, table 3-7 of the Unicode Standard), or 0 where there is none. */
static size_t utf8_sequence(const uint8_t *at, size_t left) {
  uint8_t lead = at[0];
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return left >= 2 && (at[1] & 0xC0) == 0x80 ? 2 : 0;
  if (lead < 0xF0) {
    uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : 0xBF;
    return left >= 3 && at[1] >= low && at[1] <= high && (at[2] & 0xC0) == 0x80 ? 3 : 0;
  }
  if (lead < 0xF5) {
    uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
    return left >= 4 && at[1] >= low && at[1] <= high && (at[2] & 0xC0) == 0x80 && (at[3] & 0xC0) == 0x80 ? 4 : 0;
  }
  return 0;
}

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define ANY_ZERO(word) (((word) - EVERY_BYTE(0x01)) & ~(word) & EVERY_BYTE(0x80))

/* Which of eight bytes can't be copied as they are: 0 when all can, else the lowest bit set is in the first that can't.
 * What stands there is not ASCII, a control character, a quote or a backslash. (Each term is exact up to its lowest bit:
 * https://graphics.stanford.edu/~seander/bithacks.html, "hasless" and "haszero".) */
static uint64_t special8(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return (word | (word - EVERY_BYTE(0x20)) | ANY_ZERO(word ^ EVERY_BYTE('"')) | ANY_ZERO(word ^ EVERY_BYTE('\\'))) &
         EVERY_BYTE(0x80);
}

/* How many of eight bytes stand before the first special one. */
static size_t plain_bytes(uint64_t special) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return (size_t)__builtin_ctzll(special) / 8;
#else
  (void)special;
  return 0;
#endif
}

static char *escape(char *out, uint8_t byte) {
  static const char hex[] = "0123456789abcdef";
  *out++ = '\\';
  switch (byte) {
    case '"': case '\\': *out++ = (char)byte; break;
    case '\b': *out++ = 'b'; break;
    case '\f': *out++ = 'f'; break;
    case '\n': *out++ = 'n'; break;
    case '\r': *out++ = 'r'; break;
    case '\t': *out++ = 't'; break;
    default:
      memcpy(out, "u00", 3);
      out[3] = hex[byte >> 4];
      out[4] = hex[byte & 15];
      out += 5;
  }
  return out;
}

/* Appends the bytes as a JSON string, or null where they are not UTF-8. Returns the end. */
static char *append_body(char *out, const uint8_t *body, size_t length) {
  char *start = out;
  size_t i = 0;
  *out++ = '"';
  while (i < length) {
    if (length - i >= 8) {
      uint64_t special = special8(body + i);
      size_t plain = special == 0 ? 8 : plain_bytes(special);
      memcpy(out, body + i, 8); /* what is behind the plain ones is written over: there is room for six times as much */
      out += plain;
      i += plain;
      if (special == 0) continue;
    }
    if (body[i] < 0x20 || body[i] == '"' || body[i] == '\\') {
      out = escape(out, body[i++]);
    } else if (body[i] < 0x80) {
      *out++ = (char)body[i++];
    } else {
      size_t sequence = utf8_sequence(body + i, length - i);
      if (sequence == 0) {
        memcpy(start, "null", 4);
        return start + 4;
      }
      memcpy(out, body + i, sequence);
      out += sequence;
      i += sequence;
    }
  }
  *out++ = '"';
  return out;
}

const char *invoke_text(invoke_scratch *scratch, const invoke_request *request) {
  size_t worst = request->has_body ? request->body_length * WORST_ESCAPE + sizeof "null}" : 0;
  if (!scratch_reserve(scratch, request->head_length + worst + 1)) return NULL;
  char *end = scratch->owned_text;
  memcpy(end, request->lent_head, request->head_length);
  end += request->head_length;
  if (request->has_body) {
    end = append_body(end, request->lent_body, request->body_length);
    *end++ = '}';
  }
  *end = '\0';
  return scratch->owned_text;
}

static int all_ascii(const char *bytes, size_t length) {
  size_t i = 0;
  for (; length - i >= 8; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, sizeof word);
    if (word & EVERY_BYTE(0x80)) return 0;
  }
  for (; i < length; i++) if ((unsigned char)bytes[i] >= 0x80) return 0;
  return 1;
}

void invoke_call(dlserve_handler *handler, const char *lent_text, const invoke_request *request, invoke_reply *reply) {
  int has_bytes = request->has_body && request->body_length > 0;
  dlserve_exchange exchange = {
    .size = sizeof exchange,
    .abi = DLSERVE_ABI,
    .lent_request_body = has_bytes ? request->lent_body : NULL,
    .lent_request_body_length = has_bytes ? request->body_length : 0,
    .deadline_unix_ms = request->deadline_unix_ms,
  };
  int status = -1;
  char *string = handler(lent_text, &status, &exchange);
  reply->status = status;
  reply->given_string = string;
  if (exchange.given_reply_body != NULL) {
    reply->given_body = (const char *)exchange.given_reply_body;
    reply->body_length = exchange.given_reply_body_length;
  } else {
    reply->given_body = string;
    reply->body_length = string == NULL ? 0 : strlen(string);
  }
  reply->has_body = reply->given_body != NULL;
  reply->is_ascii = reply->has_body && reply->body_length <= INVOKE_MOST_TEXT && all_ascii(reply->given_body, reply->body_length);
  reply->given_headers = exchange.given_reply_headers;
  reply->headers_length = reply->given_headers == NULL ? 0 : strlen(reply->given_headers);
}

/* A library may give one block under two names, such as its string as its reply body too. */
void invoke_release(dlserve_free *release, invoke_reply *reply) {
  if (release == NULL) return;
  const void *string = reply->given_string;
  const void *body = reply->given_body;
  const void *headers = reply->given_headers;
  if (string != NULL) release((void *)string);
  if (body != NULL && body != string) release((void *)body);
  if (headers != NULL && headers != string && headers != body) release((void *)headers);
}
