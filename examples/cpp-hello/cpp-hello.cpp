// cpp-hello.cpp - a plugin in C++. Compiled to lib/cpp-hello.so, it answers
//
//     curl 'http://127.0.0.1:3000/_PLUGIN/cpp-hello/Hello?name=Ada'
#include <dlserve.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

namespace {

// The first value of a query parameter in the request, {..."url_query":{"name":["Ada"]}...}, as it stands there: a JSON
// string with its quotes and escapes, ready to be copied into other JSON. `otherwise` where it is absent.
// A quote inside a string is written \", so {"name":[" and ,"name":[" can't be anything but the key.
std::string query_value(const std::string &request, const std::string &key, const std::string &otherwise) {
  const std::string rest = "\"" + key + "\":[\"";
  std::size_t found = request.find("{" + rest);
  if (found == std::string::npos) found = request.find("," + rest);
  if (found == std::string::npos) return otherwise;
  const std::size_t begin = found + rest.size();
  std::size_t end = begin + 1;
  while (request[end] != '"') end += request[end] == '\\' ? 2 : 1;
  return request.substr(begin, end + 1 - begin);
}

}  // namespace

// The host looks functions up by their C names, which extern "C" keeps.
extern "C" {

// GET /_PLUGIN/cpp-hello/Hello. An exception must not leave a handler: it would end the process.
DLSERVE_EXPORT char *GETHelloHandler(const char *request, int *status) {
  try {
    return strdup(("{\"hello\":" + query_value(request, "name", "\"world\"") + "}").c_str());
  } catch (const std::exception &) {
    *status = 500;
    return strdup("{\"error\":\"no greeting today\"}");
  }
}

// The host calls this on each reply, as soon as it has made its copy.
DLSERVE_EXPORT void PluginFree(void *given) {
  std::free(given);
}

}  // extern "C"
