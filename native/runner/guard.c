#define _GNU_SOURCE
#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#ifdef __APPLE__
#include <sys/event.h>
#else
#include <poll.h>
#endif

#include "fault.h"
#include "threads.h"

#define MOST_DESCRIPTORS 4
/* High enough that a library's own descriptors don't meet it, low enough for any limit. */
#define HIGH_DESCRIPTOR 200

static pid_t host_process, runner;
static int host_socket = -1;
static int descriptors[MOST_DESCRIPTORS];
static int descriptor_count;
/* 1 in the runner, 0 in a fork of it. */
static volatile int *original;
/* In a process that forks, and in its child: the one that forked. */
static _Atomic pid_t forking;
/* This process came from a fork of the runner, or from one of those. */
static int is_offspring;

void guard_end(void) {
  if (getpgrp() == getpid()) kill(0, SIGKILL);
  _exit(FAULT_STATUS);
}

static void end_with(pid_t parent) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (getppid() != parent) _exit(FAULT_STATUS);
}

/* how: SIG_BLOCK or SIG_UNBLOCK */
static void mask_terminate(int how) {
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  pthread_sigmask(how, &terminate, NULL);
}

static void before_fork(void) { forking = getpid(); }

/* The parent's death, to Linux, is that of the thread which forked: one of the library's own may well end before its child. */
static void in_fork(void) {
  if (!is_offspring) {
    is_offspring = 1;
    *original = 0;
    for (int i = 0; i < descriptor_count; i++) close(descriptors[i]);
    mask_terminate(SIG_UNBLOCK);
  }
  if (threads_is_worker) end_with(forking);
}

/* A service manager sends SIGTERM to every process of a server. That is for the host to act on, which lets the calls end
 * first; from the host itself it means that its patience has ended. In processes of the library it has its usual effect.
 * Only the thread that watches the host takes the signal: in others it would interrupt what a handler waits for. */
static void on_terminate(int signal_number, siginfo_t *info, void *context) {
  (void)context;
  if (*original && info->si_pid != host_process && info->si_pid != runner) return;
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static void heed_host_alone(void) {
  struct sigaction action = {.sa_sigaction = on_terminate, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, NULL);
}

void guard_lifetime(pid_t host) {
  host_process = host;
  runner = getpid();
  end_with(host);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fault_of_system("no memory: %s", strerror(errno));
#ifdef MADV_WIPEONFORK
  /* Also tells of forks that don't pass through the C library. */
  madvise(memory, page, MADV_WIPEONFORK);
#endif
  original = memory;
  *original = 1;
  heed_host_alone();
  pthread_atfork(before_fork, NULL, in_fork);
}

int guard_is_fork(void) { return *original == 0; }

#ifdef __APPLE__

/* There poll doesn't tell of a hang-up alone (radars 37537852, 37550628), so what is watched is the process. */
static void *watch_host(void *unused) {
  (void)unused;
  mask_terminate(SIG_UNBLOCK);
  struct kevent exited, event;
  EV_SET(&exited, (uintptr_t)host_process, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
  int queue = kqueue();
  int count;
  do count = kevent(queue, &exited, 1, &event, 1, NULL);
  while (count < 0 && errno == EINTR);
  /* The library has closed the queue; the next receive or reply finds out. */
  if (count <= 0) return NULL;
  if ((event.flags & EV_ERROR) && event.data != ESRCH) fault("the host can't be watched: %s", strerror((int)event.data));
  guard_end();
}

#else

/* Only a hang-up wakes it, so it costs nothing while calls come and go. */
static void *watch_host(void *unused) {
  (void)unused;
  mask_terminate(SIG_UNBLOCK);
  struct pollfd host = {.fd = host_socket};
  for (;;) {
    if (poll(&host, 1, -1) <= 0) continue;
    /* The library has closed it; the next reply won't find it either, and ends this process when it is safe in the ring. */
    if (host.revents & POLLNVAL) return NULL;
    if (host.revents & (POLLHUP | POLLERR)) guard_end();
  }
  return NULL;
}

#endif

void guard_watch(int fd) {
  host_socket = fd;
  threads_start_small(watch_host);
  mask_terminate(SIG_BLOCK);
}

int guard_take_descriptor(int fd) {
  int taken = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
  if (taken < 0 && errno == EINVAL) taken = fcntl(fd, F_DUPFD_CLOEXEC, fd + MOST_DESCRIPTORS);
  if (taken < 0) fault("descriptor %d is missing: %s. This program is started by dlserve", fd, strerror(errno));
  close(fd);
  return taken;
}

int guard_take_socket(int fd) {
  int taken = guard_take_descriptor(fd);
  if (descriptor_count < MOST_DESCRIPTORS) descriptors[descriptor_count++] = taken;
  return taken;
}

void guard_close_others(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0) return;
#endif
  DIR *list = opendir("/dev/fd");
  if (list == NULL) return;
  for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
    int fd = atoi(entry->d_name);
    if (fd >= first && fd != dirfd(list)) close(fd);
  }
  closedir(list);
}
