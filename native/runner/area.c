#define _GNU_SOURCE
#include "area.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol.h"

#define FREE 0
#define TAKEN 1

_Static_assert(PROTOCOL_AREA_REPLIES + (uint64_t)PROTOCOL_AREA_REPLY_BLOCKS * PROTOCOL_AREA_BLOCK == PROTOCOL_AREA_REQUESTS, "layout");

static struct {
  uint8_t *memory; /* NULL: there is none */
  pthread_mutex_t lock; /* of whoever looks for room */
} area = {.lock = PTHREAD_MUTEX_INITIALIZER};

void area_start(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return;
  if (S_ISREG(status.st_mode) && status.st_size == PROTOCOL_AREA_SIZE) {
    void *memory = mmap(NULL, PROTOCOL_AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory != MAP_FAILED) area.memory = memory;
#ifdef MADV_DONTFORK
    if (memory != MAP_FAILED) madvise(memory, PROTOCOL_AREA_SIZE, MADV_DONTFORK);
#endif
  }
  close(fd);
}

static int take(_Atomic uint8_t *block) {
  uint8_t was = FREE;
  return atomic_load_explicit(block, memory_order_relaxed) == FREE && atomic_compare_exchange_strong(block, &was, TAKEN);
}

/* The first of so many free blocks in a row, which are taken then; the lowest, so that the same memory is used over and over. */
static size_t find(_Atomic uint8_t *blocks, size_t count) {
  for (size_t first = 0, i; first + count <= PROTOCOL_AREA_REPLY_BLOCKS; first = i + 1) {
    for (i = first; i < first + count && take(&blocks[i]); i++) continue;
    if (i == first + count) return first;
    for (size_t back = first; back < i; back++) atomic_store(&blocks[back], FREE);
  }
  return PROTOCOL_AREA_REPLY_BLOCKS;
}

size_t area_put(const void *body, size_t length) {
  if (area.memory == NULL) return 0;
  size_t count = (length + PROTOCOL_AREA_BLOCK - 1) / PROTOCOL_AREA_BLOCK;
  if (count > PROTOCOL_AREA_REPLY_BLOCKS) return 0;
  pthread_mutex_lock(&area.lock);
  size_t first = find((_Atomic uint8_t *)area.memory, count);
  pthread_mutex_unlock(&area.lock);
  if (first == PROTOCOL_AREA_REPLY_BLOCKS) return 0;
  size_t offset = PROTOCOL_AREA_REPLIES + first * PROTOCOL_AREA_BLOCK;
  memcpy(area.memory + offset, body, length);
  return offset;
}

const uint8_t *area_body(double offset, double length) {
  if (area.memory == NULL || !(offset >= PROTOCOL_AREA_REQUESTS && length >= 0 && offset + length <= PROTOCOL_AREA_SIZE)) return NULL;
  return area.memory + (size_t)offset;
}
