// cpp-ask.cpp - a plugin that asks the host, in C++. Compiled to lib/cpp-ask.so, it answers
//
//     curl 'http://127.0.0.1:3000/_PLUGIN/cpp-ask/Ticket'
#include <dlserve.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

namespace {

const int TICKETS = 3;

// The answer of a service, as JSON. Throws what the host says where there is none.
std::string ask(dlserve_exchange *exchange, const char *service, const std::string &params) {
  const char *answer = nullptr;
  if (dlserve_ask(exchange, service, params.c_str(), &answer) != DLSERVE_OK) throw std::runtime_error(answer);
  return answer;
}

}  // namespace

extern "C" {

DLSERVE_EXPORT uint32_t PluginABI(void) { return DLSERVE_ABI; }

// GET /_PLUGIN/cpp-ask/Ticket: three a minute, whichever process of the server is asked. The minute begins with the first.
DLSERVE_EXPORT char *GETTicketHandler(const char *, int *status, dlserve_exchange *exchange) {
  try {
    const int taken = std::stoi(ask(exchange, "state", R"({"op":"increment","key":"tickets","ttl":60000})"));
    if (taken <= TICKETS) return strdup(("{\"ticket\":" + std::to_string(taken) + "}").c_str());
    *status = 429;
    return strdup(R"({"error":"no more tickets this minute"})");
  } catch (const std::exception &error) {
    dlserve_log(exchange, DLSERVE_ERROR, error.what());
    *status = 503;
    return strdup(R"({"error":"no tickets today"})");
  }
}

DLSERVE_EXPORT void PluginFree(void *given) {
  std::free(given);
}

}  // extern "C"
