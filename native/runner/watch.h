/* watch.h - a thread that looks after what busy workers may have left behind, every millisecond while there is something, and
 * sleeps otherwise. */
#ifndef DLSERVE_WATCH_H
#define DLSERVE_WATCH_H

/* Does what has become due, and returns whether there is something to look after. */
typedef int watch_look(void);

/* Starts the thread; `first` and `second` are called from it. */
void watch_start(watch_look *first, watch_look *second);

/* To be called after something was left behind. Costs next to nothing while the watch is awake. */
void watch_wake(void);

#endif
