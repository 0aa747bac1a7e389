/* asking.h - what a handler asks the host, and tells its log. */
#ifndef DLSERVE_ASKING_H
#define DLSERVE_ASKING_H

#include "../include/dlserve.h"

/* The host's `ask` and `log`. */
int asking_ask(dlserve_exchange *exchange, const char *lent_service, const char *lent_params, const char **lent_answer);
void asking_log(dlserve_exchange *exchange, int level, const char *lent_text);

#endif
