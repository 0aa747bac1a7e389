/* shared.h - the file that runner and host both see: how far the runner has come, and the replies on their way. It outlives
 * the runner, so the host can tell after a crash which calls had begun and which replies were still to be sent. Who writes what,
 * in which order, and why that is enough: HANDSHAKES.md. */
#ifndef DLSERVE_SHARED_H
#define DLSERVE_SHARED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

/* What one thread executes. `since`, on the host's clock, is stored before `id`, so whoever has read the id reads a time that is no older. */
typedef struct {
  _Atomic uint64_t id; /* 0: nothing */
  _Atomic double since;
} shared_running;

/* Where a thread was that ended the process. */
typedef struct {
  _Atomic uint32_t kind;
  uint32_t signal, symbol;
  _Atomic uint32_t count;
  uint64_t call, address;
  uint64_t frames[PROTOCOL_MOST_FRAMES];
} shared_crash;

/* A file in the runner's memory: what lies at an address of the file is at the same plus `bias`. */
typedef struct {
  uint64_t bias, start, end;
  char name[40];
} shared_module;

typedef struct {
  uint32_t count, unused;
  shared_module list[PROTOCOL_MOST_MODULES];
} shared_modules;

typedef struct {
  _Alignas(64) _Atomic uint64_t begun;
  _Atomic uint64_t taken;
  _Alignas(64) _Atomic uint64_t committed;
  _Alignas(64) _Atomic uint32_t stage;
  _Atomic uint32_t threads;
  _Alignas(64) _Atomic uint32_t halt;
  _Atomic uint64_t asked;
  _Alignas(256) shared_crash crash;
  _Alignas(1024) shared_modules modules;
  _Alignas(4096) _Atomic uint32_t cancelled[PROTOCOL_MOST_CANCELLED];
  shared_running running[PROTOCOL_MOST_THREADS];
  uint8_t ring[PROTOCOL_RING_SIZE];
} shared_file;

_Static_assert(offsetof(shared_file, begun) == PROTOCOL_SHARED_BEGUN, "layout");
_Static_assert(offsetof(shared_file, taken) == PROTOCOL_SHARED_TAKEN, "layout");
_Static_assert(offsetof(shared_file, committed) == PROTOCOL_SHARED_COMMITTED, "layout");
_Static_assert(offsetof(shared_file, stage) == PROTOCOL_SHARED_STAGE, "layout");
_Static_assert(offsetof(shared_file, threads) == PROTOCOL_SHARED_THREADS, "layout");
_Static_assert(offsetof(shared_file, halt) == PROTOCOL_SHARED_HALT, "layout");
_Static_assert(offsetof(shared_file, asked) == PROTOCOL_SHARED_ASKED, "layout");
_Static_assert(offsetof(shared_file, crash) == PROTOCOL_SHARED_CRASH, "layout");
_Static_assert(offsetof(shared_file, modules) == PROTOCOL_SHARED_MODULES, "layout");
_Static_assert(offsetof(shared_file, cancelled) == PROTOCOL_SHARED_CANCELLED, "layout");
_Static_assert(offsetof(shared_file, running) == PROTOCOL_SHARED_RUNNING, "layout");
_Static_assert(sizeof(shared_running) == PROTOCOL_RUNNING_SIZE, "layout");
_Static_assert(offsetof(shared_file, ring) == PROTOCOL_SHARED_RING, "layout");
_Static_assert(sizeof(shared_file) == PROTOCOL_SHARED_SIZE, "layout");

#endif
