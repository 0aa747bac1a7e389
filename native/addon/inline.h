/* inline.h - a handler called on the event loop's own thread. */
#ifndef DLSERVE_INLINE_H
#define DLSERVE_INLINE_H

#include "arguments.h"
#include "lane.h"

/* Calls a handler; returns the reply's body as JavaScript has it, and fills the first record and header of the lane's hub. */
napi_value invoke_inline(napi_env env, lane *lane, const call_arguments *call);

#endif
