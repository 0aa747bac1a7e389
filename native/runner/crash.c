#define _GNU_SOURCE
#include "crash.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>
#ifdef __linux__
#include <link.h>
#include <sys/syscall.h>
#include <ucontext.h>
#else
#include <dlfcn.h>
#include <sys/ucontext.h>
#endif

/* What ends a process because of what it has done itself. */
static const int FATAL[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
#define FATAL_COUNT (sizeof FATAL / sizeof *FATAL)

/* Seconds that the stack may take to be walked. Nothing there should ever wait; where it does, the process ends all the same. */
#define WALK_LIMIT 1

_Thread_local crash_call crash_current;

static struct {
  shared_file *shared;
  pid_t process;
  struct sigaction before[FATAL_COUNT];
  atomic_int taken; /* some thread writes, or has written */
#ifdef __linux__
  _Atomic pid_t threads[PROTOCOL_MOST_THREADS]; /* those that execute calls, each at its place */
#endif
} watch;

/* Where a thread was when the signal came. */
typedef struct {
  int is_known;
  uintptr_t counter, stack;
} place;

static place place_of(const void *context) {
  const ucontext_t *at = context;
#if defined(__linux__) && defined(__x86_64__)
  return (place){1, (uintptr_t)at->uc_mcontext.gregs[REG_RIP], (uintptr_t)at->uc_mcontext.gregs[REG_RSP]};
#elif defined(__linux__) && defined(__aarch64__)
  return (place){1, (uintptr_t)at->uc_mcontext.pc, (uintptr_t)at->uc_mcontext.sp};
#elif defined(__APPLE__) && defined(__x86_64__)
  return (place){1, (uintptr_t)at->uc_mcontext->__ss.__rip, (uintptr_t)at->uc_mcontext->__ss.__rsp};
#elif defined(__APPLE__) && defined(__aarch64__)
  return (place){1, (uintptr_t)at->uc_mcontext->__ss.__pc, (uintptr_t)at->uc_mcontext->__ss.__sp};
#else
  (void)at;
  return (place){0, 0, 0};
#endif
}

typedef struct {
  shared_crash *crash;
  int is_inside;  /* still in the handler of the signal, */
  uintptr_t from; /* which ends with this frame */
} walk;

static void add(shared_crash *crash, uintptr_t address) {
  uint32_t count = atomic_load(&crash->count);
  if (count >= PROTOCOL_MOST_FRAMES) return;
  crash->frames[count] = address;
  /* One by one: where the walk itself crashes, the others are there. */
  atomic_store(&crash->count, count + 1);
}

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *data) {
  walk *walk = data;
  const uintptr_t at = _Unwind_GetIP(context);
  if (walk->is_inside) {
    /* That one is there already. */
    if (at == walk->from) walk->is_inside = 0;
    return _URC_NO_REASON;
  }
  add(walk->crash, at);
  return atomic_load(&walk->crash->count) < PROTOCOL_MOST_FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* A death by alarm in place of a walk without end: the unwinder may wait for the dynamic loader's lock. */
static void limit_walk(void) {
  struct sigaction fatal = {.sa_handler = SIG_DFL};
  sigset_t alone;
  sigemptyset(&alone);
  sigaddset(&alone, SIGALRM);
  sigaction(SIGALRM, &fatal, NULL);
  pthread_sigmask(SIG_UNBLOCK, &alone, NULL);
  alarm(WALK_LIMIT);
}

static void write_down(uint32_t kind, int number, uintptr_t address, place place) {
  shared_crash *crash = &watch.shared->crash;
  crash->signal = (uint32_t)number;
  crash->address = address;
  crash->call = crash_current.id;
  crash->symbol = crash_current.symbol;
  if (place.is_known) add(crash, place.counter);
  /* A crash may end while its stack is walked, and be told all the same; of a hang, the host waits for all of it. */
  if (kind != PROTOCOL_CRASH_HANG) atomic_store(&crash->kind, kind);
    /* A call to where no code is: who made it is on top of the stack. */
#if defined(__x86_64__)
  if (place.is_known && place.counter == address) add(crash, *(const uintptr_t *)place.stack);
#endif
  limit_walk();
  walk walk = {.crash = crash, .is_inside = place.is_known, .from = place.counter};
  _Unwind_Backtrace(step, &walk);
  alarm(0);
  atomic_store(&crash->kind, kind);
}

/* Another thread writes: it ends the process when it is through. */
static void wait_for_end(void) {
  const struct timespec longest = {.tv_sec = WALK_LIMIT, .tv_nsec = 500000000};
  nanosleep(&longest, NULL);
}

/* A call runs again into what the signal came from, or the signal is sent again; this time to whom it would have gone without us. */
static void on_fatal(int number, siginfo_t *info, void *context) {
  const int was_sent = info->si_code <= 0;
  if (getpid() == watch.process) {
    const int is_own = !was_sent || info->si_pid == watch.process;
    if (!atomic_exchange(&watch.taken, 1)) {
      write_down(is_own ? PROTOCOL_CRASH_SIGNAL : PROTOCOL_CRASH_SENT, number, was_sent ? 0 : (uintptr_t)info->si_addr, place_of(context));
    } else {
      wait_for_end();
    }
  }
  for (size_t i = 0; i < FATAL_COUNT; i++) {
    if (FATAL[i] == number) sigaction(number, &watch.before[i], NULL);
  }
  if (was_sent || number == SIGTRAP || number == SIGSYS) raise(number);
}

static void on_exit_in_call(void) {
  if (crash_current.id == 0 || getpid() != watch.process || atomic_exchange(&watch.taken, 1)) return;
  write_down(PROTOCOL_CRASH_EXIT, 0, 0, (place){0, 0, 0});
}

#ifdef __linux__

/* The process is about to be killed. A handler that the signal wakes from its sleep must not come back and have hung for nobody. */
static void rest_in_call(void) {
  while (crash_current.id != 0) pause();
}

/* The host sends it to the process: any thread takes it, and passes it on to the one that executes the call. */
static void on_question(int number, siginfo_t *info, void *context) {
  const int error = errno;
  const uint64_t asked = getpid() == watch.process ? atomic_load(&watch.shared->asked) : 0;
  if (asked != 0 && crash_current.id == asked) {
    if (!atomic_exchange(&watch.taken, 1)) write_down(PROTOCOL_CRASH_HANG, number, 0, place_of(context));
  } else if (asked != 0 && info->si_code == SI_USER) {
    for (uint32_t i = 0; i < PROTOCOL_MOST_THREADS; i++) {
      const pid_t thread = atomic_load(&watch.threads[i]);
      if (thread != 0 && atomic_load(&watch.shared->running[i].id) == asked) syscall(SYS_tgkill, watch.process, thread, number);
    }
  }
  if (asked != 0) rest_in_call();
  errno = error;
}

static void heed_questions(void) {
  struct sigaction action = {.sa_sigaction = on_question, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigfillset(&action.sa_mask);
  sigaction(PROTOCOL_HANG_SIGNAL, &action, NULL);
}

void crash_note_thread(uint32_t thread) { atomic_store(&watch.threads[thread], (pid_t)syscall(SYS_gettid)); }

#else

static void heed_questions(void) {}
void crash_note_thread(uint32_t thread) { (void)thread; }

#endif

static _Unwind_Reason_Code step_once(struct _Unwind_Context *context, void *unused) {
  (void)context;
  (void)unused;
  return _URC_END_OF_STACK;
}

void crash_watch(shared_file *shared) {
  watch.shared = shared;
  watch.process = getpid();
  struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  /* What it loads at its first use is loaded now. */
  _Unwind_Backtrace(step_once, NULL);
  for (size_t i = 0; i < FATAL_COUNT; i++) sigaction(FATAL[i], &action, &watch.before[i]);
  heed_questions();
  atexit(on_exit_in_call);
}

void crash_use_stack(void *memory, size_t size) {
  stack_t now;
  if (sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE)) return;
  const stack_t given = {.ss_sp = memory, .ss_size = size};
  sigaltstack(&given, NULL);
}

static void note(shared_modules *modules, uint32_t place, shared_module module, const char *path) {
  const char *slash = strrchr(path, '/');
  strncpy(module.name, slash == NULL ? path : slash + 1, sizeof module.name - 1);
  modules->list[place] = module;
}

#ifdef __linux__

static int note_module(struct dl_phdr_info *info, size_t size, void *code) {
  (void)size;
  shared_modules *modules = &watch.shared->modules;
  shared_module module = {.bias = info->dlpi_addr, .start = UINT64_MAX};
  for (int i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
    const uint64_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    if (start < module.start) module.start = start;
    if (start + info->dlpi_phdr[i].p_memsz > module.end) module.end = start + info->dlpi_phdr[i].p_memsz;
  }
  const char *path = info->dlpi_name == NULL || *info->dlpi_name == '\0' ? "runner" : info->dlpi_name;
  if ((uint64_t)(uintptr_t)code >= module.start && (uint64_t)(uintptr_t)code < module.end) note(modules, 0, module, path);
  else if (modules->count < PROTOCOL_MOST_MODULES) note(modules, modules->count++, module, path);
  return 0;
}

void crash_note_modules(const void *code) {
  /* The first place is the library's. */
  watch.shared->modules.count = 1;
  dl_iterate_phdr(note_module, (void *)(uintptr_t)code);
}

#else

void crash_note_modules(const void *code) {
  Dl_info info;
  if (code == NULL || dladdr(code, &info) == 0) return;
  const uint64_t start = (uint64_t)(uintptr_t)info.dli_fbase;
  watch.shared->modules.count = 1;
  /* Where it ends is not told; what is not far behind its beginning is taken for its own. */
  note(&watch.shared->modules, 0, (shared_module){.bias = start, .start = start, .end = start + (64u << 20)}, info.dli_fname);
}

#endif
