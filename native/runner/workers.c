#include "workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../invoke/clock.h"
#include "crash.h"
#include "execute.h"
#include "fault.h"
#include "guard.h"
#include "replies.h"
#include "threads.h"
#include "watch.h"

/* A call that takes less than this, in microseconds, isn't worth waking another thread. */
#define BRIEF 10

/* Milliseconds until a thread that the system refused is asked for again. */
#define REFUSED_PAUSE 500

/* A free worker reads the socket itself, and then executes what it read: a lone call passes through one thread. While it
 * executes, another free one takes its place as the reader; where the call should be brief, only if that turns out to be
 * wrong. When all are busy nobody reads, and calls wait in the socket. */
static struct {
  int fd;
  frames *frames;
  const library *library;
  shared_file *shared;
  pthread_mutex_t lock; /* for all below, and for `frames` while nobody reads: then they are the reader's */
  pthread_cond_t turn;  /* for free workers: there is a frame, or a reader is needed */
  pthread_cond_t rest;  /* for the worker that stops: one less is busy */
  uint64_t begun;
  uint32_t threads, waiting, busy;
  int reading, stopping;
  double refused;  /* when the system gave no thread; 0 where it did */
  uint64_t looked; /* `begun` at the watch's last look */
} crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER, .rest = PTHREAD_COND_INITIALIZER};

typedef struct {
  frames_call call;
  frames_chunk *chunk;
  int lost;
} task;

static void *work(void *unused);

size_t workers_receive(int fd, frames *frames) {
  size_t room;
  uint8_t *at = frames_room(frames, &room);
  if (at == NULL) fault("out of memory for requests");
  ssize_t received;
  do received = recv(fd, at, room, 0);
  while (received < 0 && errno == EINTR);
  if (received == 0 || (received < 0 && errno == ECONNRESET)) guard_end();
  if (received < 0) fault("calls can't be received: %s", strerror(errno));
  frames_filled(frames, (size_t)received);
  return (size_t)received;
}

/* Whether the host wants this process to take no more calls; it will end it. */
static int is_halted(void) { return atomic_load(&crew.shared->halt) != 0; }

static _Noreturn void halt(void) {
  pthread_mutex_unlock(&crew.lock);
  replies_flush();
  for (;;) pause();
}

/* Checks a frame, and takes it if it is a call: from now on the call has begun. */
static int accept_frame(const frame *frame, task *task) {
  if (frame->message == PROTOCOL_STOP) {
    crew.stopping = 1;
    pthread_cond_broadcast(&crew.turn);
    return 0;
  }
  if (frame->message != PROTOCOL_CALL) fault("the host sent message %d out of order", frame->message);
  if (!frames_read_call(frame, &task->call)) fault("the host sent a malformed CALL");
  if (task->call.id != crew.begun + 1) fault("the host sent a call out of order");
  if (task->call.symbol >= crew.library->symbol_count) fault("the host sent a call for symbol %d", task->call.symbol);
  task->chunk = frame->chunk;
  task->lost = frame->lost;
  /* Before the looks at `halt`, `cancelled` and the clock, so that a host which sees a call not begun can be sure that it
   * never will, once it has said so or once its deadline has passed. */
  atomic_store(&crew.shared->begun, ++crew.begun);
  if (is_halted()) {
    atomic_store(&crew.shared->begun, --crew.begun);
    halt();
  }
  return 1;
}

static int next_task(task *task) {
  frame frame;
  while (!crew.stopping && !crew.reading) {
    /* Before the next frame: another thread may have taken one in vain. */
    if (is_halted()) halt();
    int got = frames_next(crew.frames, &frame);
    if (got < 0) fault("the host sent %s", crew.frames->fault);
    if (got == 0) return 0;
    if (accept_frame(&frame, task)) return 1;
    frames_release(frame.chunk);
  }
  return 0;
}

/* Where the system gives no thread, the host is told how many there are, and it is tried again a while later. */
static void start_worker(void) {
  if (crew.refused > 0 && clock_now() < crew.refused + REFUSED_PAUSE) return;
  int started = threads_start_worker(work);
  crew.refused = started ? 0 : clock_now();
  crew.threads += (uint32_t)started;
  atomic_store(&crew.shared->threads, started ? 0 : crew.threads);
}

static void call_next_worker(void) {
  if (crew.waiting > 0) pthread_cond_signal(&crew.turn);
  else if (crew.threads < crew.library->concurrency) start_worker();
}

/* Sees to it that somebody looks after the next call while this thread is busy with one. */
static void hand_over(uint16_t symbol) {
  if (crew.library->concurrency == 1 || crew.reading) return;
  if (execute_typical(symbol) >= BRIEF) call_next_worker();
  else watch_wake();
}

int workers_look(void) {
  pthread_mutex_lock(&crew.lock);
  int unread = crew.busy > 0 && crew.busy < crew.library->concurrency && !crew.reading;
  if (unread && crew.begun == crew.looked) call_next_worker();
  crew.looked = crew.begun;
  pthread_mutex_unlock(&crew.lock);
  return unread;
}

static _Noreturn void stop(void) {
  while (crew.busy > 0) pthread_cond_wait(&crew.rest, &crew.lock);
  pthread_mutex_unlock(&crew.lock);
  atomic_store(&crew.shared->stage, PROTOCOL_STAGE_STOP);
  const char *words = library_stop(crew.library);
  size_t length = words == NULL ? 0 : strnlen(words, PROTOCOL_MOST_WORDS);
  uint32_t stopped[2] = {PROTOCOL_FRAME_HEADER + (uint32_t)length, PROTOCOL_STOPPED};
  replies_commit(stopped, sizeof stopped, words, length, NULL, 0, 0);
  replies_flush();
  exit(0);
}

/* Waits for a call and takes it. Sends what replies there are before it waits.
 * was_busy: this thread comes from executing one */
static void take(task *task, int was_busy) {
  int flushed = 0;
  pthread_mutex_lock(&crew.lock);
  if (was_busy) {
    crew.busy--;
    if (crew.stopping) pthread_cond_signal(&crew.rest);
  }
  while (!next_task(task)) {
    if (!flushed) {
      flushed = 1;
      pthread_mutex_unlock(&crew.lock);
      replies_flush();
      pthread_mutex_lock(&crew.lock);
    } else if (crew.stopping == 1) {
      crew.stopping = 2;
      stop();
    } else if (crew.reading || crew.stopping) {
      crew.waiting++;
      pthread_cond_wait(&crew.turn, &crew.lock);
      crew.waiting--;
    } else {
      crew.reading = 1;
      pthread_mutex_unlock(&crew.lock);
      size_t received = workers_receive(crew.fd, crew.frames);
      atomic_fetch_add_explicit(&crew.shared->taken, received, memory_order_relaxed);
      pthread_mutex_lock(&crew.lock);
      crew.reading = 0;
    }
  }
  crew.busy++;
  hand_over(task->call.symbol);
  pthread_mutex_unlock(&crew.lock);
}

static void *work(void *unused) {
  static atomic_uint threads;
  (void)unused;
  threads_is_worker = 1;
  const uint32_t thread = atomic_fetch_add(&threads, 1);
  /* At the far end of the thread's stack, which never runs out there. */
  char spare[CRASH_STACK];
  crash_use_stack(spare, sizeof spare);
  crash_note_thread(thread);
  invoke_scratch scratch = {0};
  for (int was_busy = 0;; was_busy = 1) {
    task task;
    take(&task, was_busy);
    execute_call(&task.call, task.lost, &scratch, thread);
    frames_release(task.chunk);
  }
  return NULL;
}

void workers_serve(int fd, frames *frames, const library *library, shared_file *shared, double clock_ahead) {
  crew.fd = fd;
  crew.frames = frames;
  crew.library = library;
  crew.shared = shared;
  crew.threads = 1;
  execute_start(library, shared, clock_ahead);
  work(NULL);
  __builtin_unreachable();
}
