/* upload.h - a request body in parts. */
#ifndef DLSERVE_UPLOAD_H
#define DLSERVE_UPLOAD_H

#include "hosted.h"

/* The host's `read`. */
int64_t upload_read(dlserve_exchange *exchange, void *buffer, size_t capacity);

#endif
