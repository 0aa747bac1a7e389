#include "library.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"

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

  stage(PROTOCOL_STAGE_INIT);
  if (!initialise(handle, request->lent_config, library->release, refusal)) return 0;

  stage(PROTOCOL_STAGE_ABI);
  library->concurrency = concurrency_of(handle, request);
  return 1;
}
