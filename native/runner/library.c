#include "library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"

#define LIBRARY_NO_NAME "its PluginFactory has no name, or no size that holds one"
#define LIBRARY_SAYS_TOO_MUCH "it says more of its name and routes than 1 MiB"

static int refuse(library_refusal *refusal, uint16_t stage, int32_t detail, const char *words) {
  *refusal = (library_refusal){.stage = stage, .detail = detail, .words = words};
  return 0;
}

static int refuse_loading(library_refusal *refusal) {
  const char *words = dlerror();
  return refuse(refusal, PROTOCOL_STAGE_LOAD, 0, words == NULL ? "unknown reason" : strdup(words));
}

static uint32_t declared_concurrency(void *handle, uint32_t any) {
  dlserve_concurrency *declared = (dlserve_concurrency *)dlsym(handle, "PluginConcurrency");
  if (declared == NULL) return 1;
  int concurrency = declared();
  return concurrency == 0 ? any : concurrency < 0 ? 1 : (uint32_t)concurrency;
}

static uint32_t concurrency_of(void *handle, const library_request *request) {
  uint32_t concurrency = request->concurrency > 0 ? request->concurrency : declared_concurrency(handle, request->any);
  return concurrency < PROTOCOL_MOST_THREADS ? concurrency : PROTOCOL_MOST_THREADS;
}

static int initialise(void *handle, const char *config, dlserve_free *release, library_refusal *refusal) {
  dlserve_init *init = (dlserve_init *)dlsym(handle, "PluginInit");
  if (init == NULL) return 1;
  char *given_error = NULL;
  int result = init(config, &given_error);
  if (result != 0) refuse(refusal, PROTOCOL_STAGE_INIT, result, given_error == NULL ? "" : strdup(given_error));
  if (given_error != NULL && release != NULL) release(given_error);
  return result == 0;
}

/* What a function of a library said, or else what it returned; lives as long as the process. */
static const char *words_of(const char *function, int returned, char *given_error, dlserve_free *release) {
  size_t length = sizeof "PluginFactory.start: it returned -2147483648 without a word" + (given_error == NULL ? 0 : strlen(given_error));
  char *words = malloc(length);
  if (words != NULL && given_error != NULL) snprintf(words, length, "%s: %s", function, given_error);
  else if (words != NULL) snprintf(words, length, "%s: it returned %d without a word", function, returned);
  if (given_error != NULL && release != NULL) release(given_error);
  return words == NULL ? function : words;
}

/* Whether a field of a factory is there, by the size that it says. */
#define HAS(factory, field) ((factory)->size >= offsetof(dlserve_plugin, field) + sizeof(factory)->field && (factory)->field != NULL)

static int start(const dlserve_plugin *factory, const char *config, const library *library, library_refusal *refusal) {
  if (!HAS(factory, start)) return 1;
  char *given_error = NULL;
  int returned = factory->start(config, &given_error);
  if (returned == 0) {
    if (given_error != NULL && library->release != NULL) library->release(given_error);
    return 1;
  }
  refuse(refusal, PROTOCOL_STAGE_INIT, returned, words_of("PluginFactory.start", returned, given_error, library->release));
  /* PluginInit has succeeded. */
  if (library->stop != NULL) library->stop();
  return 0;
}

/* Appends a text and its NUL. Returns 0 when memory is out, or the text is larger than may be. */
static int declare(library *library, const char *text) {
  size_t length = text == NULL ? 0 : strlen(text);
  if (library->declared_length + length + 1 > PROTOCOL_MAX_DECLARED) return 0;
  char *grown = realloc(library->declared, library->declared_length + length + 1);
  if (grown == NULL) return 0;
  library->declared = grown;
  if (length > 0) memcpy(grown + library->declared_length, text, length);
  library->declared_length += length + 1;
  grown[library->declared_length - 1] = '\0';
  return 1;
}

/* What a function of that name says, or `otherwise` where there is none. */
static int declared_body(void *handle, const char *name, int otherwise) {
  dlserve_body *declared = (dlserve_body *)dlsym(handle, name);
  return declared == NULL ? otherwise : declared();
}

static int refuse_body(library_refusal *refusal, const char *name, int said) {
  const char *format = "%sBody returned %d, which is no DLSERVE_BODY_ of 0 to 3";
  const size_t length = strlen(format) + strlen(name) + sizeof "-2147483648";
  char *words = malloc(length);
  if (words != NULL) snprintf(words, length, format, name, said);
  return refuse(refusal, PROTOCOL_STAGE_LOAD, 0, words == NULL ? "a handler takes its body in no way that there is" : words);
}

/* What a handler says itself, or `otherwise`: bodyFunctionOf of src/binary/names.ts. A function that routes lead to and that is
 * called something else has no such function beside it: whatever has that name is not ours to call. */
static int handler_body(void *handle, const char *symbol, int otherwise) {
  static const char ending[] = "Handler";
  const size_t length = strlen(symbol);
  if (length < sizeof ending - 1 || strcmp(symbol + length - (sizeof ending - 1), ending) != 0) return otherwise;
  char name[length + sizeof "Body"];
  snprintf(name, sizeof name, "%sBody", symbol);
  return declared_body(handle, name, otherwise);
}

/* How each handler takes a request's body. 0 where one of them says what there is not. */
static int take_bodies(void *handle, const library_request *request, library *library, library_refusal *refusal) {
  const int all = declared_body(handle, "PluginBody", DLSERVE_BODY_TEXT);
  if (all < DLSERVE_BODY_TEXT || all > DLSERVE_BODY_STREAM) return refuse_body(refusal, "Plugin", all);
  library->bodies = calloc(request->symbol_count + 1, 1);
  if (library->bodies == NULL) return refuse(refusal, PROTOCOL_STAGE_LOAD, 0, "out of memory");
  int is_any = 0;
  const char *symbol = request->lent_symbols;
  for (uint32_t i = 0; i < request->symbol_count; i++, symbol += strlen(symbol) + 1) {
    const int body = handler_body(handle, symbol, all);
    if (body < DLSERVE_BODY_TEXT || body > DLSERVE_BODY_STREAM) return refuse_body(refusal, symbol, body);
    library->bodies[i] = (uint8_t)body;
    is_any = is_any || body != DLSERVE_BODY_TEXT;
  }
  if (is_any) return 1;
  free(library->bodies);
  library->bodies = NULL;
  return 1;
}

const char *library_stop(const library *library) {
  const char *words = NULL;
  if (library->end != NULL) {
    char *given_error = NULL;
    int returned = library->end(&given_error);
    if (returned != 0) words = words_of("PluginFactory.stop", returned, given_error, library->release);
    else if (given_error != NULL && library->release != NULL) library->release(given_error);
  }
  if (library->stop != NULL) library->stop();
  return words;
}

int library_open(const library_request *request, library *library, library_refusal *refusal, void (*stage)(uint32_t)) {
  stage(PROTOCOL_STAGE_LOAD);
  void *handle = dlopen(request->lent_path, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) return refuse_loading(refusal);

  stage(PROTOCOL_STAGE_ABI);
  dlserve_abi *abi = (dlserve_abi *)dlsym(handle, "PluginABI");
  uint32_t number = abi == NULL ? 1 : abi();
  if (number > DLSERVE_ABI) return refuse(refusal, PROTOCOL_STAGE_ABI, (int32_t)number, "");

  library->release = (dlserve_free *)dlsym(handle, "PluginFree");
  library->stop = (dlserve_stop *)dlsym(handle, "PluginStop");
  library->timeout = request->timeout;
  library->limits = request->limits;
  library->symbol_count = request->symbol_count;
  library->handlers = calloc(request->symbol_count + 1, sizeof *library->handlers);
  if (library->handlers == NULL) return refuse(refusal, PROTOCOL_STAGE_LOAD, 0, "out of memory");
  const char *symbol = request->lent_symbols;
  for (uint32_t i = 0; i < request->symbol_count; i++, symbol += strlen(symbol) + 1) {
    library->handlers[i] = (dlserve_handler *)dlsym(handle, symbol);
    if (library->handlers[i] == NULL) return refuse_loading(refusal);
  }

  library->declared = NULL;
  library->declared_length = 0;
  const dlserve_plugin *factory = (const dlserve_plugin *)dlsym(handle, "PluginFactory");
  dlserve_routes *routes = (dlserve_routes *)dlsym(handle, "PluginRoutes");
  if (factory != NULL && !HAS(factory, name)) return refuse(refusal, PROTOCOL_STAGE_LOAD, 0, LIBRARY_NO_NAME);
  library->end = factory != NULL && HAS(factory, stop) ? factory->stop : NULL;

  stage(PROTOCOL_STAGE_INIT);
  if (!initialise(handle, request->lent_config, library->release, refusal)) return 0;
  int says_all = factory == NULL && routes == NULL ? 1 : declare(library, factory == NULL ? NULL : factory->name());
  if (factory != NULL && !start(factory, request->lent_config, library, refusal)) return 0;

  stage(PROTOCOL_STAGE_ABI);
  if (!take_bodies(handle, request, library, refusal)) {
    library_stop(library);
    return 0;
  }
  library->concurrency = concurrency_of(handle, request);
  if (factory == NULL && routes == NULL) return 1;
  says_all = says_all && declare(library, routes == NULL ? NULL : routes());
  says_all = says_all && declare(library, factory != NULL && HAS(factory, routes) ? factory->routes() : NULL);
  if (says_all) return 1;
  library_stop(library);
  return refuse(refusal, PROTOCOL_STAGE_LOAD, 0, LIBRARY_SAYS_TOO_MUCH);
}
