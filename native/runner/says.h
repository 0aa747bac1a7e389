/* says.h - what a call says to the host while it runs, each a frame that is committed like a reply. Safe for threads. */
#ifndef DLSERVE_SAYS_H
#define DLSERVE_SAYS_H

#include <stddef.h>
#include <stdint.h>

/* now: the clock, in milliseconds */
void says_head(uint64_t id, int status, const char *headers, size_t length, double now);

/* At most PROTOCOL_MOST_CHUNK bytes. */
void says_chunk(uint64_t id, const void *bytes, size_t length, double now);

/* read: bytes of the body that the handler has read */
void says_want(uint64_t id, uint64_t read, double now);

/* number: which ask; service and parameters with their NULs, together as many bytes as may be asked */
void says_ask(uint64_t id, uint16_t number, const char *service, const char *params, double now);

/* Whether there was room for it; it never waits. `lost`: lines for which there was none, before. */
int says_log(uint64_t id, uint16_t level, uint32_t lost, const char *text, size_t length, double now);

void says_kept(uint64_t id, double now);

#endif
