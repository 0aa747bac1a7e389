/* area.c - see area.h. The file behind it has no name; its size is sealed, so that whoever maps it can neither cut nor extend it: what is
 * mapped here stays there. The other side may write whatever it likes at any time, so nothing here goes by what stands in it.
 * Offsets and lengths are checked, so that a mistake in JavaScript is an exception and not a crash. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, MADV_REMOVE */
#endif
#include "area.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "body_parts.h"

#if defined(__linux__) && !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23
#endif

/* States of a block in a table: see native/runner/area.h. */
#define BLOCK_FREE 0
#define BLOCK_EMPTIED 2

/* The event loop's thread alone. */
typedef struct {
  int users; /* of the memory: JavaScript, until it closes it, and each view */
  int is_closed;
  int is_forgotten;
  int descriptor;
  uint8_t *memory;
  size_t size;
} area;

static void area_drop(area *area) {
  if (--area->users > 0) return;
  munmap(area->memory, area->size);
  if (area->is_forgotten) free(area);
}

static void close_area(area *area) {
  if (area->is_closed) return;
  area->is_closed = 1;
  close(area->descriptor);
  area_drop(area);
}

/* JavaScript has lost it. */
static void forget_area(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  area *area = data;
  if (area->is_closed && area->users == 0) {
    free(area);
  } else {
    area->is_forgotten = 1;
    close_area(area);
  }
}

static area *area_make(size_t size) {
#if defined(__linux__) && defined(F_ADD_SEALS)
  area *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  *made = (area){.users = 1, .size = size};
  made->descriptor = memfd_create("dlserve-area", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (made->descriptor >= 0) {
    made->memory = MAP_FAILED;
    if (ftruncate(made->descriptor, (off_t)size) == 0 &&
        fcntl(made->descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
      made->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, made->descriptor, 0);
    }
    if (made->memory != MAP_FAILED) {
      madvise(made->memory, size, MADV_DONTFORK);
      return made;
    }
    close(made->descriptor);
  }
  free(made);
#else
  (void)size;
#endif
  return NULL;
}

/* openArea(size): area, or null where the system has no such memory */
static napi_value open_area(napi_env env, napi_callback_info info) {
  napi_value arguments[1], value;
  double size = 0;
  if (take_arguments(env, info, 1, arguments) == NULL) return NULL;
  napi_get_value_double(env, arguments[0], &size);
  area *area = size > 0 ? area_make((size_t)size) : NULL;
  if (area == NULL) {
    napi_get_null(env, &value);
  } else if (napi_create_external(env, area, forget_area, NULL, &value) != napi_ok) {
    forget_area(env, area, NULL);
    return throw(env, "no area could be made");
  }
  return value;
}

/* Reads the area and `count` numbers behind it. NULL with an exception where the area is none, or is closed. */
static area *take_area(napi_env env, napi_callback_info info, size_t arguments_count, napi_value *arguments, size_t *numbers, size_t count) {
  if (take_arguments(env, info, arguments_count, arguments) == NULL) return NULL;
  void *data = NULL;
  napi_get_value_external(env, arguments[0], &data);
  area *area = data;
  if (area == NULL || area->is_closed) return throw(env, "no such area");
  for (size_t i = 0; i < count; i++) {
    double number = -1;
    napi_get_value_double(env, arguments[1 + i], &number);
    if (!(number >= 0 && number <= (double)area->size)) return throw(env, "no place in the area");
    numbers[i] = (size_t)number;
  }
  return area;
}

static int is_inside(const area *area, size_t offset, size_t length) { return offset <= area->size && length <= area->size - offset; }

/* areaDescriptor(area): for a process that is to map it; valid until closeArea */
static napi_value area_descriptor(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  area *area = take_area(env, info, 1, arguments, NULL, 0);
  return area == NULL ? NULL : int_value(env, area->descriptor);
}

/* closeArea(area): its memory lasts as long as there are views of it */
static napi_value close_area_call(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  area *area = take_area(env, info, 1, arguments, NULL, 0);
  if (area != NULL) close_area(area);
  return NULL;
}

/* Has the system give memory now, so that the lack of it is an answer and not a signal. */
static int populate(uint8_t *from, size_t length) {
#ifdef MADV_POPULATE_WRITE
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t before = (uintptr_t)from % page;
  if (madvise(from - before, length + before, MADV_POPULATE_WRITE) == 0) return 1;
  return errno == EINVAL; /* before Linux 5.14 */
#else
  (void)from;
  (void)length;
  return 1;
#endif
}

/* areaWrite(area, offset, isFirst, body): copies a Buffer, or a list of them; `isFirst` where nothing may have been there yet. Whether there
 * was memory */
static napi_value area_write(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  size_t offset, length;
  bool is_list = false, is_first = false;
  void *bytes = NULL;
  area *area = take_area(env, info, 4, arguments, &offset, 1);
  if (area == NULL) return NULL;
  napi_get_value_bool(env, arguments[2], &is_first);
  napi_is_array(env, arguments[3], &is_list);
  if (is_list) {
    if (!body_parts_measure(env, arguments[3], &length)) return NULL;
  } else if (napi_get_buffer_info(env, arguments[3], &bytes, &length) != napi_ok) {
    return throw(env, "the body is no Buffer");
  }
  if (!is_inside(area, offset, length)) return throw(env, "the body has no place in the area");
  if (is_first && length > 0 && !populate(area->memory + offset, length)) return bool_value(env, 0);
  if (is_list) body_parts_copy(env, arguments[3], area->memory + offset);
  else if (length > 0) memcpy(area->memory + offset, bytes, length);
  return bool_value(env, 1);
}

static void forget_view(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  area_drop(hint);
}

/* areaView(area, offset, length): a Buffer of what stands there, without a copy; null where this Node allows none */
static napi_value area_view(napi_env env, napi_callback_info info) {
  napi_value arguments[3], value;
  size_t place[2];
  area *area = take_area(env, info, 3, arguments, place, 2);
  if (area == NULL) return NULL;
  if (!is_inside(area, place[0], place[1])) return throw(env, "the view is not in the area");
  area->users++;
  if (napi_create_external_buffer(env, place[1], area->memory + place[0], forget_view, area, &value) == napi_ok) return value;
  area_drop(area);
  napi_get_null(env, &value);
  return value;
}

/* detach(buffer): it has no bytes any more, so nobody reads what is no longer its own */
static napi_value detach(napi_env env, napi_callback_info info) {
  napi_value arguments[1], memory;
  if (take_arguments(env, info, 1, arguments) == NULL) return NULL;
  if (napi_get_typedarray_info(env, arguments[0], NULL, NULL, NULL, &memory, NULL) == napi_ok) napi_detach_arraybuffer(env, memory);
  return NULL;
}

/* areaFree(area, table, first, count): says in the table, a byte for each block, that these are free */
static napi_value area_free(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  size_t place[3];
  area *area = take_area(env, info, 4, arguments, place, 3);
  if (area == NULL) return NULL;
  if (!is_inside(area, place[0] + place[1], place[2])) return throw(env, "no such blocks");
  _Atomic uint8_t *blocks = (_Atomic uint8_t *)(area->memory + place[0] + place[1]);
  for (size_t i = 0; i < place[2]; i++) atomic_store_explicit(&blocks[i], BLOCK_FREE, memory_order_release);
  return NULL;
}

static void empty(const area *area, size_t offset, size_t length) {
#ifdef MADV_REMOVE
  if (length > 0) madvise(area->memory + offset, length, MADV_REMOVE);
#else
  (void)area;
  (void)offset;
  (void)length;
#endif
}

/* areaEmpty(area, offset, length): gives the memory behind it back to the system */
static napi_value area_empty(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t place[2];
  area *area = take_area(env, info, 3, arguments, place, 2);
  if (area != NULL && is_inside(area, place[0], place[1])) empty(area, place[0], place[1]);
  return NULL;
}

/* areaEmptyFree(area, table, count, offset, size): the same for each block that is free, of so many of that size from `offset` on; nobody
 * gets one meanwhile */
static napi_value area_empty_free(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  size_t place[4];
  area *area = take_area(env, info, 5, arguments, place, 4);
  if (area == NULL) return NULL;
  const size_t count = place[1], offset = place[2], size = place[3];
  if (!is_inside(area, place[0], count) || !is_inside(area, offset, count * size)) return throw(env, "no such blocks");
  _Atomic uint8_t *blocks = (_Atomic uint8_t *)(area->memory + place[0]);
  for (size_t from = 0, to; from < count; from = to + 1) {
    uint8_t was = BLOCK_FREE;
    for (to = from; to < count && atomic_compare_exchange_strong(&blocks[to], &was, BLOCK_EMPTIED); to++) was = BLOCK_FREE;
    empty(area, offset + from * size, (to - from) * size);
    for (size_t i = from; i < to; i++) atomic_store(&blocks[i], BLOCK_FREE);
  }
  return NULL;
}

const exported area_calls[] = {
  {"openArea", open_area},
  {"areaDescriptor", area_descriptor},
  {"closeArea", close_area_call},
  {"areaWrite", area_write},
  {"areaView", area_view},
  {"areaFree", area_free},
  {"areaEmpty", area_empty},
  {"areaEmptyFree", area_empty_free},
  {"detach", detach},
  {NULL, NULL},
};
