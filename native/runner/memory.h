/* memory.h - how much memory this process may have of its own. */
#ifndef DLSERVE_MEMORY_H
#define DLSERVE_MEMORY_H

#include <stddef.h>

/* Caps the memory of this process; to be called once, before its library is opened.
 * bytes: 0 is no limit; most_more: bytes that memory_allow_more may ever add */
void memory_limit(double bytes, double most_more);

/* Lowers what memory_allow_more may ever add. */
void memory_limit_more(double most_more);

/* Raises the limit, for memory that is not the library's. */
void memory_allow_more(size_t bytes);

/* Takes that back, because the memory was not had. */
void memory_allow_less(size_t bytes);

#endif
