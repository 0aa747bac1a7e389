/* stream.h - a reply in parts. */
#ifndef DLSERVE_STREAM_H
#define DLSERVE_STREAM_H

#include "hosted.h"

/* The host's `write`. */
int stream_write(dlserve_exchange *exchange, const void *lent_part, size_t length);

/* Sends status and headers, where they were not. DLSERVE_OK, or DLSERVE_GONE where there are more headers than may be. */
int stream_begin(hosted *call);

/* Sends bytes, waiting while the client is slow; they may leave a little later. */
int stream_send(hosted *call, const char *bytes, size_t length);

#endif
