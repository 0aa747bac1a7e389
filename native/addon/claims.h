/* claims.h - which libraries of this process have an owner: the JavaScript threads of a process, its main one and its workers, know
 * nothing of each other, and the system maps a library once for all of them. */
#ifndef DLSERVE_CLAIMS_H
#define DLSERVE_CLAIMS_H

/* Makes the calling thread the owner of a library, by its device and inode; it may be that more than once. Returns 0 where another
 * thread is, or where memory is out. */
int claims_take(const char *identity);

/* Takes one claim back. A library that is never given up stays claimed: a thread that ended may have left others in it. */
void claims_drop(const char *identity);

#endif
