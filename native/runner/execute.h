/* execute.h - one call, from its request to its reply. Safe for threads. */
#ifndef DLSERVE_EXECUTE_H
#define DLSERVE_EXECUTE_H

#include "../invoke/invoke.h"
#include "frames.h"
#include "library.h"
#include "shared.h"

/* To be called once, before anything else here.
 * clock_ahead: milliseconds by which our clock is ahead of the host's */
void execute_start(const library *library, shared_file *shared, double clock_ahead);

/* Calls the handler and gives its reply; or says why it does not.
 * lost: there was no memory for the request; thread: which of the threads this is, counted from 0 */
void execute_call(const frames_call *call, int lost, invoke_scratch *scratch, uint32_t thread);

/* Microseconds that a call to the handler takes, as it seems. */
unsigned execute_typical(uint16_t symbol);

#endif
