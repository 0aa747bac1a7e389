// GET /_PLUGIN/image/Gradient?size=64 answers a picture, so this plugin shows what text cannot carry: raw reply bytes,
// and a header that says what they are. The format is PPM (https://netpbm.sourceforge.net/doc/ppm.html), a line of text
// and three bytes a pixel; GIMP and ImageMagick open it.
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

#include "dlserve.h"

namespace {

// The first value of a query key, as it stands in the request's JSON; empty where there is none.
std::string_view query(std::string_view request, const std::string &key) {
  const auto start = request.find("\"url_query\":{");
  const auto pattern = "\"" + key + "\":[\"";
  const auto found = start == std::string_view::npos ? start : request.find(pattern, start);
  if (found == std::string_view::npos) return {};
  const auto value = request.substr(found + pattern.size());
  return value.substr(0, value.find('"'));
}

std::string gradient(int size) {
  const auto side = std::to_string(size);
  auto image = "P6 " + side + " " + side + " 255\n";
  for (int y = 0; y < size; y++) {
    for (int x = 0; x < size; x++) {
      image += static_cast<char>(255 * x / size);
      image += static_cast<char>(255 * y / size);
      image += static_cast<char>(128);
    }
  }
  return image;
}

}  // namespace

extern "C" {

DLSERVE_EXPORT char *GETGradientHandler(const char *request, int *status, dlserve_exchange *exchange) {
  // No exception may leave a handler: there is C on the other side.
  try {
    const auto asked = query(request, "size");
    const int size = asked.empty() ? 64 : std::atoi(std::string(asked).c_str());
    if (size < 1 || size > 1024) {
      *status = 400;
      return strdup("{\"error\":\"size must be 1 to 1024\"}");
    }
    const auto image = gradient(size);
    auto *bytes = static_cast<uint8_t *>(std::malloc(image.size()));
    if (bytes == nullptr) throw std::bad_alloc();
    std::memcpy(bytes, image.data(), image.size());
    exchange->given_reply_body = bytes;
    exchange->given_reply_body_length = image.size();
    exchange->given_reply_headers = strdup("Content-Type: image/x-portable-pixmap\n");
    return nullptr;
  } catch (const std::exception &) {
    *status = 500;
    return strdup("{\"error\":\"no picture\"}");
  }
}

// All that a handler gives is freed with this.
DLSERVE_EXPORT void PluginFree(void *given) { std::free(given); }

DLSERVE_EXPORT int PluginConcurrency(void) { return 0; }

}  // extern "C"
