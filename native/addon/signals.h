/* signals.h - threads that leave the signals of the process to its own. */
#ifndef DLSERVE_SIGNALS_H
#define DLSERVE_SIGNALS_H

#include <pthread.h>

/* pthread_create, for a thread that runs code of a plugin: signals that are sent to the process, such as SIGTERM, are blocked in it,
 * so that none interrupts what a handler waits for. Those that the thread itself causes (SIGSEGV...), SIGPROF, and SIGURG, with which a
 * Go runtime interrupts its goroutines, are not. A process that the thread forks has none of them blocked; a program that it starts by
 * posix_spawn inherits them blocked. */
int signals_start_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

#endif
