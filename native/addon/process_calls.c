#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, fallocate */
#endif
#include "process_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exits.h"
#include "spawn.h"

/* watchExits(callback): whom spawn() is to tell; or an error's number below zero */
static napi_value watch_exits(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  environment *here = take_arguments(env, info, 1, arguments);
  if (here == NULL) return NULL;
  exits *created = exits_create(env, arguments[0]);
  const int32_t id = created == NULL ? -errno : environment_add_exits(here, created);
  return int_value(env, created != NULL && id < 0 ? -ENOMEM : id);
}

/* Points at each of the strings in a text, of which each ends with NUL: `first` of them, NULL, the others, NULL. */
static char **split(char *text, size_t length, uint32_t first) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++) count += text[i] == '\0';
  if (first == 0 || count < first || text[length - 1] != '\0') {
    errno = EINVAL;
    return NULL;
  }
  char **list = calloc(count + 2, sizeof *list);
  if (list == NULL) return NULL;
  char **next = list;
  for (size_t i = 0; i < count; i++) {
    if (i == first) next++;
    *next++ = text;
    text += strlen(text) + 1;
  }
  return list;
}

static int spawn_text(environment *here, exits *told, size_t length, uint32_t arguments, spawn_request *request) {
  int32_t wanted[SPAWN_MOST_DESCRIPTORS];
  if (request->descriptor_count > SPAWN_MOST_DESCRIPTORS) return -EINVAL;
  memcpy(wanted, request->descriptors, request->descriptor_count * sizeof *wanted);
  char **list = split(here->text.owned, length, arguments);
  if (list == NULL) return -errno;
  request->lent_executable = list[0];
  request->lent_arguments = list;
  request->lent_environment = list + arguments + 1;
  pid_t process = 0;
  int error = spawn(request, &process);
  free(list);
  if (error != 0) return -error;
  error = exits_watch(told, process);
  if (error == 0) return (int)process;
  for (uint32_t i = 0; i < request->descriptor_count; i++) {
    if (wanted[i] == SPAWN_PIPE) close(request->descriptors[i]);
  }
  return -error;
}

/* spawn(told, text, arguments, descriptors): a process id, or an error's number below zero */
static napi_value spawn_process(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  environment *here = take_arguments(env, info, 4, arguments);
  size_t length, descriptors = 0;
  uint32_t count = 0;
  int32_t told = -1;
  napi_typedarray_type type;
  void *list = NULL;
  if (here == NULL || !take_text(env, arguments[1], &here->text, &length)) return NULL;
  napi_get_value_int32(env, arguments[0], &told);
  if (told < 0 || told >= here->exits_count) return throw(env, "nobody is told of its end");
  if (napi_get_value_uint32(env, arguments[2], &count) != napi_ok) return throw(env, "a number of arguments is expected");
  napi_get_typedarray_info(env, arguments[3], &type, &descriptors, &list, NULL, NULL);
  if (list == NULL || type != napi_int32_array) return throw(env, "descriptors are expected");
  spawn_request request = {.descriptor_count = (uint32_t)descriptors, .descriptors = list};
  return int_value(env, spawn_text(here, here->exits[told], length, count, &request));
}

static int create_memory(const char *name, int64_t size) {
#ifdef MFD_ALLOW_SEALING
  const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  /* All of it at once: a page that turns out later not to be there would end who touches it. */
  int got;
  do got = fallocate(fd, 0, 0, size);
  while (got != 0 && errno == EINTR);
  if (got == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) return fd;
  const int error = errno;
  close(fd);
  return -error;
#else
  (void)name;
  (void)size;
  return -ENOSYS;
#endif
}

/* createMemory(name, size): the descriptor of memory that other processes can map, or an error's number below zero */
static napi_value create_memory_call(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  environment *here = take_arguments(env, info, 2, arguments);
  size_t length;
  int64_t size;
  if (here == NULL || !take_text(env, arguments[0], &here->text, &length)) return NULL;
  if (napi_get_value_int64(env, arguments[1], &size) != napi_ok || size <= 0) return throw(env, "no size");
  return int_value(env, create_memory(here->text.owned, size));
}

const exported process_calls[] = {
  {"watchExits", watch_exits},
  {"spawn", spawn_process},
  {"createMemory", create_memory_call},
  {NULL, NULL},
};
