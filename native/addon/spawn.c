#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* POSIX_SPAWN_SETSID, SOCK_CLOEXEC */
#endif
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linux has no such attribute: there, whatever should not be inherited is close-on-exec. */
#ifndef POSIX_SPAWN_CLOEXEC_DEFAULT
#define POSIX_SPAWN_CLOEXEC_DEFAULT 0
#endif

/* Both ends of each descriptor of the program; -1 where there is none. */
typedef struct {
  int ours[SPAWN_MOST_DESCRIPTORS];
  int its[SPAWN_MOST_DESCRIPTORS];
} ends;

static void close_all(const int *descriptors, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (descriptors[i] >= 0) close(descriptors[i]);
  }
}

static int make_pipe(int pair[2]) {
#ifdef SOCK_CLOEXEC
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
#else
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return -1;
  fcntl(pair[0], F_SETFD, FD_CLOEXEC);
  fcntl(pair[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

/* A copy above all that the program gets: none is overwritten there before it has come to its place. */
static int above(int descriptor, uint32_t count) { return fcntl(descriptor, F_DUPFD_CLOEXEC, (int)count); }

static int make_end(const spawn_request *request, uint32_t i, ends *ends) {
  const int32_t wanted = request->descriptors[i];
  if (wanted == SPAWN_NOTHING) return 0;
  if (wanted >= 0) {
    ends->its[i] = above(wanted, request->descriptor_count);
    return ends->its[i] < 0 ? errno : 0;
  }
  int pair[2];
  if (make_pipe(pair) != 0) return errno;
  ends->ours[i] = pair[0];
  ends->its[i] = pair[1];
  if (pair[1] >= (int)request->descriptor_count) return 0;
  ends->its[i] = above(pair[1], request->descriptor_count);
  const int error = errno;
  close(pair[1]);
  return ends->its[i] < 0 ? error : 0;
}

static int add_actions(posix_spawn_file_actions_t *actions, const ends *ends, uint32_t count) {
  int error = 0;
  for (uint32_t i = 0; i < count && error == 0; i++) {
    error = ends->its[i] >= 0 ? posix_spawn_file_actions_adddup2(actions, ends->its[i], (int)i)
                              : posix_spawn_file_actions_addopen(actions, (int)i, "/dev/null", O_RDWR, 0);
  }
  return error;
}

static int start(const spawn_request *request, const ends *ends, pid_t *process) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  int error = posix_spawnattr_init(&attributes);
  if (error != 0) return error;
  error = posix_spawn_file_actions_init(&actions);
  if (error != 0) goto no_actions;
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_CLOEXEC_DEFAULT);
  if (error == 0) error = add_actions(&actions, ends, request->descriptor_count);
  if (error == 0) {
    error = posix_spawn(process, request->lent_executable, &actions, &attributes, request->lent_arguments, request->lent_environment);
  }
  posix_spawn_file_actions_destroy(&actions);
no_actions:
  posix_spawnattr_destroy(&attributes);
  return error;
}

int spawn(const spawn_request *request, pid_t *process) {
  const uint32_t count = request->descriptor_count;
  ends ends;
  memset(&ends, -1, sizeof ends);
  int error = 0;
  for (uint32_t i = 0; i < count && error == 0; i++) error = make_end(request, i, &ends);
  if (error == 0) error = start(request, &ends, process);
  close_all(ends.its, count);
  if (error != 0) close_all(ends.ours, count);
  for (uint32_t i = 0; i < count && error == 0; i++) {
    if (request->descriptors[i] == SPAWN_PIPE) request->descriptors[i] = ends.ours[i];
  }
  return error;
}
