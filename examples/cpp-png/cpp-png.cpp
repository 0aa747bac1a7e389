// cpp-png.cpp - a binary reply: a picture that the plugin makes itself. Compiled to lib/cpp-png.so, it answers
//
//     curl -s -o picture.png http://127.0.0.1:3000/_PLUGIN/cpp-png/Picture
#include <dlserve.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

namespace {

using Bytes = std::vector<std::uint8_t>;

void append(Bytes &to, const Bytes &bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

Bytes big_endian(std::uint32_t number) {
  return {std::uint8_t(number >> 24), std::uint8_t(number >> 16), std::uint8_t(number >> 8), std::uint8_t(number)};
}

// CRC-32 as PNG has it (W3C PNG, annex D).
std::uint32_t crc32(const Bytes &bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

// RFC 1950, section 8.2
std::uint32_t adler32(const Bytes &bytes) {
  std::uint32_t a = 1, b = 0;
  for (std::uint8_t byte : bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

// A zlib stream (RFC 1950) of a single stored block (RFC 1951, section 3.2.4), which holds up to 65535 bytes.
Bytes zlib_stored(const Bytes &bytes) {
  const std::uint8_t low = bytes.size() & 0xFF, high = bytes.size() >> 8;
  Bytes stream = {0x78, 0x01, 0x01, low, high, std::uint8_t(~low), std::uint8_t(~high)};
  append(stream, bytes);
  append(stream, big_endian(adler32(bytes)));
  return stream;
}

void append_chunk(Bytes &png, const char *type, const Bytes &data) {
  Bytes chunk(type, type + 4);
  append(chunk, data);
  append(png, big_endian(std::uint32_t(data.size())));
  append(png, chunk);
  append(png, big_endian(crc32(chunk)));
}

// A square in which red grows to the right and green downwards.
Bytes make_picture(std::uint32_t size) {
  Bytes header = big_endian(size);
  append(header, big_endian(size));
  append(header, {8, 2, 0, 0, 0});  // 8 bits, RGB, the only compression and filter methods, not interlaced

  Bytes rows;
  for (std::uint32_t y = 0; y < size; y++) {
    rows.push_back(0);  // this row is not filtered
    for (std::uint32_t x = 0; x < size; x++) append(rows, {std::uint8_t(4 * x), std::uint8_t(4 * y), 128});
  }

  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", zlib_stored(rows));
  append_chunk(png, "IEND", {});
  return png;
}

}  // namespace

extern "C" {

// GET /_PLUGIN/cpp-png/Picture. Bytes don't fit in a string that ends at the first NUL, so they go by pointer and length.
DLSERVE_EXPORT char *GETPictureHandler(const char *, int *status, dlserve_exchange *exchange) {
  try {
    const Bytes picture = make_picture(64);
    void *body = std::malloc(picture.size());
    char *headers = strdup("Content-Type: image/png\nCache-Control: max-age=60\n");
    if (body == nullptr || headers == nullptr) {
      std::free(body);
      std::free(headers);
      return nullptr;  // no reply: the host answers 500
    }
    std::memcpy(body, picture.data(), picture.size());
    exchange->given_reply_body = static_cast<const std::uint8_t *>(body);
    exchange->given_reply_body_length = picture.size();
    exchange->given_reply_headers = headers;
    return nullptr;  // the reply is in the exchange
  } catch (const std::exception &) {  // an exception must not leave a handler
    *status = 500;
    return strdup("{\"error\":\"no picture today\"}");
  }
}

// Called on the reply body, the reply headers and the error alike, so all come from malloc.
DLSERVE_EXPORT void PluginFree(void *given) {
  std::free(given);
}

}  // extern "C"
