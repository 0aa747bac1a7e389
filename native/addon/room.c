#include "room.h"

#include <stdatomic.h>
#include <stdlib.h>

struct room {
  _Atomic int users; /* JavaScript, and each job that reads it */
  _Alignas(64) uint8_t bytes[];
};

/* Tells a room from what other addons have wrapped. */
static const napi_type_tag room_tag = {0x6a3f0c5d92e84b17, 0xb8d1470e5ca2963f};

void room_release(room *room) {
  if (room != NULL && atomic_fetch_sub_explicit(&room->users, 1, memory_order_acq_rel) == 1) free(room);
}

static void forget_room(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  room_release(hint);
}

static napi_value memory_of(napi_env env, napi_value buffer) {
  napi_value memory;
  return napi_get_typedarray_info(env, buffer, NULL, NULL, NULL, &memory, NULL) == napi_ok ? memory : NULL;
}

room *room_hold(napi_env env, napi_value buffer) {
  napi_value memory = memory_of(env, buffer);
  bool is_room = false;
  void *data = NULL;
  if (memory == NULL || napi_check_object_type_tag(env, memory, &room_tag, &is_room) != napi_ok || !is_room) return NULL;
  if (napi_unwrap(env, memory, &data) != napi_ok) return NULL;
  room *room = data;
  atomic_fetch_add_explicit(&room->users, 1, memory_order_relaxed);
  return room;
}

/* makeRoom(size): a Buffer of so many bytes, whatever is in them; null where there is no such memory */
static napi_value make_room(napi_env env, napi_callback_info info) {
  napi_value arguments[1], value;
  double size = 0;
  if (take_arguments(env, info, 1, arguments) == NULL) return NULL;
  napi_get_value_double(env, arguments[0], &size);
  room *room = size > 0 && size <= UINT32_MAX ? malloc(sizeof *room + (size_t)size) : NULL;
  if (room != NULL) {
    atomic_init(&room->users, 1);
    if (napi_create_external_buffer(env, (size_t)size, room->bytes, forget_room, room, &value) == napi_ok) {
      napi_value memory = memory_of(env, value);
      /* One that can't be told from others is copied as they are. */
      if (memory != NULL && napi_wrap(env, memory, room, NULL, NULL, NULL) == napi_ok) napi_type_tag_object(env, memory, &room_tag);
      return value;
    }
    /* Not every Node allows memory of others in a Buffer. */
    free(room);
  }
  napi_get_null(env, &value);
  return value;
}

const exported room_calls[] = {{"makeRoom", make_room}, {NULL, NULL}};
