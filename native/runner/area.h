/* area.h - the memory that this process shares with the host, through which large bodies pass: each is copied once, by whoever sends it.
 * Where there is none, or no room in it, they go another way. Safe for threads. See HANDSHAKES.md. */
#ifndef DLSERVE_RUNNER_AREA_H
#define DLSERVE_RUNNER_AREA_H

#include <stddef.h>
#include <stdint.h>

/* To be called once, before anything else here, while `fd` is as the host gave it. */
void area_start(int fd);

/* Copies a reply's body to where the host will read it. Returns where, from the area's beginning, or 0 where there is no room. */
size_t area_put(const void *body, size_t length);

/* A request's body of which the host says where it is; NULL where that is not in the area. */
const uint8_t *area_body(double offset, double length);

#endif
