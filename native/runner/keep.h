/* keep.h - a reply that goes on after its handler has returned. */
#ifndef DLSERVE_KEEP_H
#define DLSERVE_KEEP_H

#include "hosted.h"

/* The host's `keep` and `end`. */
dlserve_exchange *keep_exchange(dlserve_exchange *exchange);
void keep_end(dlserve_exchange *kept, int broken);

/* The handler has returned, and all that it gave is sent.
 * headers: bytes of them, for where that are too many */
void keep_return(hosted *kept, size_t headers);

#endif
