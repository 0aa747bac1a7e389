/* The runner: opens one library and serves its handlers to the host that started it. See protocol.h.
 *
 * usage: runner <library, for process lists> <host's process id>   with the descriptors of the protocol open */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../invoke/clock.h"
#include "area.h"
#include "control.h"
#include "crash.h"
#include "fault.h"
#include "frames.h"
#include "guard.h"
#include "library.h"
#include "memory.h"
#include "replies.h"
#include "shared.h"
#include "threads.h"
#include "watch.h"
#include "workers.h"

/* Two clocks that differ by more than this are not the same clock. */
#define SAME_CLOCK 60e3
#define FULL_STACK (8u * 1024u * 1024u)

static shared_file *shared;

static void enter_stage(uint32_t stage) { atomic_store(&shared->stage, stage); }

static shared_file *map_shared(int fd) {
  void *memory = mmap(NULL, PROTOCOL_SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) fault_of_system("the shared file can't be mapped: %s", strerror(errno));
#ifdef MADV_DONTFORK
  madvise(memory, PROTOCOL_SHARED_SIZE, MADV_DONTFORK);
#endif
  close(fd);
  return memory;
}

/* Lines of the plugin reach the log when they are printed, not when a buffer is full. The main thread runs handlers too. */
static void prepare_process(void) {
  struct rlimit stack;
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur < FULL_STACK) {
    stack.rlim_cur = stack.rlim_max < FULL_STACK ? stack.rlim_max : FULL_STACK;
    setrlimit(RLIMIT_STACK, &stack);
  }
}

static void wait_for(int fd, frames *frames, frame *frame, uint8_t message) {
  int got;
  while ((got = frames_next(frames, frame)) == 0) workers_receive(fd, frames);
  if (got < 0) fault("the host sent %s", frames->fault);
  if (frame->message != message) fault("the host sent message %d in place of %d", frame->message, message);
}

static void send_hello(void) {
  struct __attribute__((packed)) {
    uint32_t length;
    uint8_t message, flags;
    uint16_t version;
    uint32_t magic, unused;
    double clock;
  } hello = {.length = sizeof hello, .message = PROTOCOL_HELLO, .version = PROTOCOL_VERSION, .magic = PROTOCOL_MAGIC, .clock = clock_now()};
  _Static_assert(sizeof hello == PROTOCOL_HELLO_SIZE, "layout");
  replies_commit(&hello, sizeof hello, NULL, 0, NULL, 0, 0);
}

/* Returns by how many milliseconds our clock is ahead of the host's. */
static double read_hello(const frame *frame) {
  uint32_t magic;
  double clock;
  memcpy(&magic, frame->lent_payload, sizeof magic);
  memcpy(&clock, frame->lent_payload + 8, sizeof clock);
  if (magic != PROTOCOL_MAGIC || frame->number != PROTOCOL_VERSION) {
    fault("the host speaks version %d of the protocol, the runner %d: rebuild it with npm rebuild dlserve", frame->number,
          PROTOCOL_VERSION);
  }
  double ahead = clock_now() - clock;
  return ahead > -SAME_CLOCK && ahead < SAME_CLOCK ? 0 : ahead;
}

static void read_open(const frame *frame, library_request *request) {
  const uint8_t *at = frame->lent_payload;
  const char *text = (const char *)at + PROTOCOL_OPEN_HEADER - PROTOCOL_FRAME_HEADER;
  const char *end = (const char *)at + frame->length;
  memcpy(&request->concurrency, at, 4);
  memcpy(&request->any, at + 4, 4);
  memcpy(&request->memory, at + 8, 8);
  memcpy(&request->timeout, at + 16, 8);
  memcpy(&request->limits.reply, at + 24, 4);
  memcpy(&request->limits.headers, at + 28, 4);
  memcpy(&request->symbol_count, at + 32, 4);
  uint64_t strings = 0;
  for (const char *c = text; c < end; c++) strings += *c == '\0';
  if (end[-1] != '\0' || strings != (uint64_t)request->symbol_count + 2) fault("the host sent a malformed OPEN");
  request->lent_path = text;
  request->lent_config = text + strlen(text) + 1;
  request->lent_symbols = request->lent_config + strlen(request->lent_config) + 1;
}

static void send_declared(library *library) {
  for (size_t at = 0; at < library->declared_length; at += PROTOCOL_MOST_DECLARED) {
    size_t length = library->declared_length - at;
    if (length > PROTOCOL_MOST_DECLARED) length = PROTOCOL_MOST_DECLARED;
    uint32_t declared[2] = {PROTOCOL_FRAME_HEADER + (uint32_t)length, PROTOCOL_DECLARED};
    replies_commit(declared, sizeof declared, library->declared + at, length, NULL, 0, 0);
  }
  free(library->declared);
}

static void send_opened(const library *library) {
  const uint32_t bodies = library->bodies == NULL ? 0 : library->symbol_count;
  uint32_t opened[4] = {PROTOCOL_OPENED_SIZE + bodies, PROTOCOL_OPENED, library->concurrency, 0};
  replies_commit(opened, sizeof opened, library->bodies, bodies, NULL, 0, 0);
  replies_flush();
}

static _Noreturn void send_failed(const library_refusal *refusal) {
  size_t words = strnlen(refusal->words, PROTOCOL_MOST_WORDS);
  uint32_t failed[4] = {PROTOCOL_FAILED_HEADER + (uint32_t)words, PROTOCOL_FAILED | (uint32_t)refusal->stage << 16,
                        (uint32_t)refusal->detail, 0};
  replies_commit(failed, sizeof failed, refusal->words, words, NULL, 0, 0);
  replies_flush();
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc != 3) fault("this program is started by dlserve, for one library each");
  guard_lifetime((pid_t)atoi(argv[2]));
  area_start(PROTOCOL_AREA_FD);
  guard_close_others(PROTOCOL_CONTROL_FD + 1);
  int calls = guard_take_socket(PROTOCOL_CALLS_FD);
  control_start(guard_take_socket(PROTOCOL_CONTROL_FD));
  int replies = guard_take_socket(PROTOCOL_REPLIES_FD);
  shared = map_shared(guard_take_descriptor(PROTOCOL_SHARED_FD));
  prepare_process();
  crash_watch(shared);
  guard_watch(calls);
  replies_start(replies, shared);
  watch_start(replies_look, workers_look);
  send_hello();

  frames frames = {0};
  frame hello, open;
  wait_for(calls, &frames, &hello, PROTOCOL_HELLO);
  double clock_ahead = read_hello(&hello);
  wait_for(calls, &frames, &open, PROTOCOL_OPEN);

  library_request request;
  library library;
  library_refusal refusal;
  read_open(&open, &request);
  memory_limit(request.memory, (double)threads_worker_size() * PROTOCOL_MOST_THREADS);
  if (!library_open(&request, &library, &refusal, enter_stage)) send_failed(&refusal);
  if (library.symbol_count > 0) crash_note_modules((const void *)library.handlers[0]);
  frames_release(hello.chunk);
  frames_release(open.chunk);
  memory_limit_more((double)threads_worker_size() * (library.concurrency - 1));
  /* Before the host may look. */
  enter_stage(PROTOCOL_STAGE_SERVE);
  send_declared(&library);
  send_opened(&library);
  workers_serve(calls, &frames, &library, shared, clock_ahead);
}
