#include "invoke.h"

#include <stdlib.h>
#include <string.h>

/* The worst escape: one byte becomes the six of \u00XX. */
#define WORST_ESCAPE 6
/* Room for the worst case would not be kept for a larger body, so that one gets as much as it needs. */
#define MOST_GUESSED (INVOKE_SCRATCH_KEPT / WORST_ESCAPE)

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
static inline __attribute__((always_inline)) size_t utf8_sequence(const uint8_t *at, size_t left) {
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
/* clang-format off */
#define ANY_ZERO(word) (((word) - EVERY_BYTE(0x01)) & ~(word) & EVERY_BYTE(0x80))
/* clang-format on */

/* Which of eight bytes can't be copied as they are: 0 when all can, else the lowest bit set is in the first that can't.
 * What stands there is not ASCII, a control character, a quote or a backslash. (Each term is exact up to its lowest bit:
 * https://graphics.stanford.edu/~seander/bithacks.html, "hasless" and "haszero".) */
static uint64_t special8(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return (word | (word - EVERY_BYTE(0x20)) | ANY_ZERO(word ^ EVERY_BYTE('"')) | ANY_ZERO(word ^ EVERY_BYTE('\\'))) & EVERY_BYTE(0x80);
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

typedef uint8_t bytes16 __attribute__((vector_size(16)));

static int is_zero(bytes16 bytes) {
  uint64_t words[2];
  memcpy(words, &bytes, sizeof words);
  return (words[0] | words[1]) == 0;
}

/* Whether 16 bytes can be copied as they are. */
static int is_plain16(const uint8_t *at) {
  bytes16 block;
  memcpy(&block, at, sizeof block);
  return is_zero((bytes16)(block < 0x20) | (bytes16)(block >= 0x80) | (bytes16)(block == '"') | (bytes16)(block == '\\'));
}

static char *escape(char *out, uint8_t byte) {
  static const char hex[] = "0123456789abcdef";
  *out++ = '\\';
  switch (byte) {
    case '"':
    case '\\': *out++ = (char)byte; break;
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

static int is_utf8(const uint8_t *body, size_t length) {
  for (size_t i = 0; i < length;) {
    uint64_t words[2] = {EVERY_BYTE(0x80)};
    if (length - i >= sizeof words) memcpy(words, body + i, sizeof words);
    if (((words[0] | words[1]) & EVERY_BYTE(0x80)) == 0) {
      i += sizeof words;
      continue;
    }
    for (size_t end = length - i < sizeof words ? length : i + sizeof words, sequence; i < end; i += sequence) {
      sequence = body[i] < 0x80 ? 1 : utf8_sequence(body + i, length - i);
      if (sequence == 0) return 0;
    }
  }
  return 1;
}

/* By how many bytes the text of 16 bytes is longer than they are; see escape. */
static size_t growth(bytes16 block) {
  bytes16 control = (bytes16)(block < 0x20);
  bytes16 lettered = (bytes16)(block - '\b' <= '\r' - '\b') & (bytes16)(block != '\v'); /* \b \t \n \f \r */
  bytes16 quoted = (bytes16)(block == '"') | (bytes16)(block == '\\');
  bytes16 longer = (control & (WORST_ESCAPE - 1)) - (lettered & (WORST_ESCAPE - 2)) + (quoted & 1);
  uint64_t words[2];
  memcpy(words, &longer, sizeof words);
  return (size_t)(((words[0] + words[1]) * EVERY_BYTE(1)) >> 56);
}

/* How long the JSON string of the bytes is; 0 where they are not UTF-8. */
static size_t text_length(const uint8_t *body, size_t length) {
  if (!is_utf8(body, length)) return 0;
  size_t text = length + sizeof "\"\"" - 1;
  bytes16 block = (bytes16){0} + ' ';
  size_t rest = length % sizeof block;
  memcpy(&block, body + length - rest, rest);
  text += growth(block);
  for (size_t i = 0; i < length - rest; i += sizeof block) {
    if (is_plain16(body + i)) continue;
    memcpy(&block, body + i, sizeof block);
    text += growth(block);
  }
  return text;
}

static char *append_null(char *out) {
  memcpy(out, "null", 4);
  return out + 4;
}

/* Appends the bytes as a JSON string, or null where they are not UTF-8. Returns the end. */
static char *append_body(char *out, const uint8_t *body, size_t length) {
  char *start = out;
  size_t i = 0;
  size_t last_special = 0;
  *out++ = '"';
  while (i < length) {
    if (length - i >= 8) {
      uint64_t special = special8(body + i);
      size_t plain = special == 0 ? 8 : plain_bytes(special);
      memcpy(out, body + i, 8); /* what is behind the plain ones is written over: no byte's text is shorter than it is */
      out += plain;
      i += plain;
      if (special == 0) {
        /* Where plain ones have come for a while, more of them will. */
        if (i - last_special >= 16)
          for (; length - i >= 16 && is_plain16(body + i); out += 16, i += 16) memcpy(out, body + i, 16);
        continue;
      }
      last_special = i;
    }
    if (body[i] < 0x20 || body[i] == '"' || body[i] == '\\') {
      out = escape(out, body[i++]);
    } else if (body[i] < 0x80) {
      *out++ = (char)body[i++];
    } else {
      size_t sequence = utf8_sequence(body + i, length - i);
      if (sequence == 0) return append_null(start);
      memcpy(out, body + i, sequence);
      out += sequence;
      i += sequence;
    }
  }
  *out++ = '"';
  return out;
}

const char *invoke_text(invoke_scratch *scratch, const invoke_request *request) {
  const uint8_t *body = request->lent_body;
  int as_text = request->has_body && !request->is_complete;
  size_t length = as_text ? request->body_length : 0;
  size_t text = length <= MOST_GUESSED ? length * WORST_ESCAPE + sizeof "\"\"" - 1 : text_length(body, length);
  if (!scratch_reserve(scratch, request->head_length + text + sizeof "null}")) return NULL;
  char *end = scratch->owned_text;
  memcpy(end, request->lent_head, request->head_length);
  end += request->head_length;
  if (as_text) {
    end = text == 0 ? append_null(end) : append_body(end, body, length);
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
  for (; i < length; i++)
    if ((unsigned char)bytes[i] >= 0x80) return 0;
  return 1;
}

void invoke_begin(invoke_exchange *call, const invoke_request *request, const dlserve_host *host) {
  int has_bytes = request->has_body && request->body_length > 0;
  call->exchange = (dlserve_exchange){
    .size = sizeof call->exchange,
    .abi = DLSERVE_ABI,
    .lent_request_body = has_bytes ? request->lent_body : NULL,
    .lent_request_body_length = has_bytes ? request->body_length : 0,
    .deadline_unix_ms = request->deadline_unix_ms,
    .host = host,
  };
  call->status = -1;
}

void invoke_call(dlserve_handler *handler, const char *lent_text, invoke_exchange *call, invoke_reply *reply) {
  char *string = handler(lent_text, &call->status, &call->exchange);
  const dlserve_exchange exchange = call->exchange;
  reply->status = call->status;
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
