/* crash.h - what this process can still say of its own crash: which call it was, and where. It is written into the shared file, which
 * outlives it; the host finds the names of the functions. */
#ifndef DLSERVE_CRASH_H
#define DLSERVE_CRASH_H

#include <stddef.h>
#include <stdint.h>

#include "shared.h"

/* The call that the calling thread executes; id 0: none. */
typedef struct {
  volatile uint64_t id;
  volatile uint32_t symbol;
} crash_call;

extern _Thread_local crash_call crash_current;

static inline void crash_enter(uint64_t id, uint32_t symbol) {
  crash_current.symbol = symbol;
  crash_current.id = id;
}

static inline void crash_leave(void) { crash_current.id = 0; }

/* Has fatal signals and exit write down what they can. Before the library is opened, so that handlers of its own come first. */
void crash_watch(shared_file *shared);

/* Writes down where the files of this process lie in its memory, the one with this code in it first. */
void crash_note_modules(const void *code);

/* The calling thread executes calls at this place of `running`: where it hangs, the host may ask it where. */
void crash_note_thread(uint32_t thread);

/* Bytes for crash_use_stack: a Go runtime takes that stack for its own signals, too. */
#define CRASH_STACK 65536

/* Gives the calling thread a stack for signals, unless it has one: where its own has run out, there is no other. */
void crash_use_stack(void *memory, size_t size);

#endif
