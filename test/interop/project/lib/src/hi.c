#include <dlserve.h>
#include <stdlib.h>
#include <string.h>

/* Answers with the request. */
DLSERVE_EXPORT char *GETHiHandler(const char *request) { return strdup(request); }
DLSERVE_EXPORT char *POSTHiHandler(const char *request) { return strdup(request); }

DLSERVE_EXPORT void PluginFree(void *given) { free(given); }
