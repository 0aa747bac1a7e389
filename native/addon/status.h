/* status.h - which handler each thread is running, in a file that outlives the process. The layout is the one that
 * src/runtimes/native/status.ts reads. */
#ifndef DLSERVE_STATUS_H
#define DLSERVE_STATUS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_SLOTS 1024
#define STATUS_LABELS 4096
#define STATUS_LABEL_SIZE 512

/* The last of each are the event loop's own, for what JavaScript itself calls: it writes them through the descriptor. */
#define STATUS_OWN_SLOT (STATUS_SLOTS - 1)
#define STATUS_OWN_LABEL (STATUS_LABELS - 1)

/* In its low half the number of the label that a thread is busy with, from 1; 0 while it is not. In its high half which call of
 * the event loop's this is, never 0; on other threads 0. It is one number, so that whoever reads it sees both of one moment. */
typedef _Atomic uint64_t status_slot;

typedef struct {
  status_slot slots[STATUS_SLOTS];
  /* "<plugin>\n<symbol>" and a NUL, written once, before the first slot refers to it. */
  char labels[STATUS_LABELS][STATUS_LABEL_SIZE];
} status_file;

typedef struct {
  status_file *file;
  _Atomic uint32_t label_count;
  _Atomic unsigned char claimed[STATUS_SLOTS];
} status_page;

/* Maps the file behind a descriptor, which must have the size of status_file; NULL with errno set where that fails.
 * It stays mapped: threads that were given up may write to it until the process ends. */
status_page *status_attach(int descriptor);

/* The slot of one thread; NULL where there is no page or no slot left. */
status_slot *status_claim(status_page *page);

void status_unclaim(status_page *page, status_slot *slot);

/* Writes the labels of a plugin's handlers one after the other; returns the number of the first, or 0 where there is no page
 * or no room. */
uint32_t status_label(status_page *page, const char *plugin, const char *const *symbols, uint32_t count);

static inline void status_begin(status_slot *slot, uint32_t first_label, uint32_t symbol) {
  if (slot != NULL && first_label != 0) atomic_store_explicit(slot, first_label + symbol, memory_order_relaxed);
}

/* The same on the event loop: whoever sees the same `*turn` for long sees one call that does not end. */
static inline void status_begin_turn(status_slot *slot, uint32_t first_label, uint32_t symbol, uint32_t *turn) {
  if (slot == NULL || first_label == 0) return;
  if (++*turn == 0) ++*turn;
  atomic_store_explicit(slot, (uint64_t)*turn << 32 | (first_label + symbol), memory_order_relaxed);
}

static inline void status_end(status_slot *slot) {
  if (slot != NULL) atomic_store_explicit(slot, 0, memory_order_relaxed);
}

#endif
