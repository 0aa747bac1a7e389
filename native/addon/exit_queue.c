#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* syscall */
#endif
#include "exit_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/syscall.h>
#else
#include <sys/event.h>
#endif

static int queue = -1;

#ifdef __linux__

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* Close-on-exec as it comes. */
static int open_process(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int exit_queue_open(void) {
  if (queue >= 0) return 0;
  /* Old kernels have none, and some sandboxes refuse it. */
  int probe = open_process(getpid());
  if (probe < 0) return errno;
  close(probe);
  queue = epoll_create1(EPOLL_CLOEXEC);
  return queue < 0 ? errno : 0;
}

int exit_queue_add(exit_watch *watch) {
  watch->descriptor = open_process(watch->process);
  if (watch->descriptor < 0) return errno;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
  if (epoll_ctl(queue, EPOLL_CTL_ADD, watch->descriptor, &event) == 0) return 0;
  const int error = errno;
  close(watch->descriptor);
  return error;
}

exit_watch *exit_queue_next(void) {
  struct epoll_event event;
  while (epoll_wait(queue, &event, 1, -1) != 1) continue;
  exit_watch *watch = event.data.ptr;
  /* Closed alone it would stay where a fork of this process has it too. */
  epoll_ctl(queue, EPOLL_CTL_DEL, watch->descriptor, &event);
  close(watch->descriptor);
  return watch;
}

#else

int exit_queue_open(void) {
  if (queue >= 0) return 0;
  queue = kqueue();
  if (queue < 0) return errno;
  fcntl(queue, F_SETFD, FD_CLOEXEC);
  return 0;
}

int exit_queue_add(exit_watch *watch) {
  struct kevent event;
  EV_SET(&event, (uintptr_t)watch->process, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, watch);
  return kevent(queue, &event, 1, NULL, 0, NULL) == 0 ? 0 : errno;
}

exit_watch *exit_queue_next(void) {
  struct kevent event;
  while (kevent(queue, NULL, 0, &event, 1, NULL) != 1) continue;
  return event.udata;
}

#endif
