/* stream.h - what a handler and its client say to each other while the call goes on: parts of the reply, parts of the request's body,
 * questions to the host and their answers. Each call has one; it costs nothing but memory where the handler asks for nothing.
 *
 * Between two sides: whoever is in the handler, or has kept its exchange (T), and the event loop's thread (E). What T says is an event: a
 * job of its own that goes back through the hub like one that has ended, in the order in which it was said, while the call's job goes on.
 * What E says is written here under the lock, and wakes T. T waits in `write` for the client to take what it has, in `read` for bytes of
 * the client's, in `ask` for the answer; from each of them `is_gone` lets it go, which E sets when nobody waits for the reply any more, the
 * call has had its time, the plugin is given up, or JavaScript's environment ends. It stays set, so nobody waits twice. */
#ifndef DLSERVE_STREAM_H
#define DLSERVE_STREAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "../invoke/invoke.h"

struct job;

/* Bytes of a reply that may be under way to the client, and of a request's body that may lie here. */
#define STREAM_WINDOW (256u * 1024u)

/* Bytes of a reply that go to JavaScript at once, at most. */
#define STREAM_PIECE (STREAM_WINDOW / 2)

/* What each piece counts in the window besides its bytes. */
#define STREAM_PIECE_COST 512u

/* Lines of the log that may be under way from one call. */
#define STREAM_LINES 64

/* Bytes of a piece of the request's body, as E has given it. */
typedef struct stream_input {
  struct stream_input *next;
  size_t length;
  size_t read;
  uint8_t bytes[];
} stream_input;

enum stream_input_state { INPUT_NONE, INPUT_OPEN, INPUT_ENDED, INPUT_BROKEN };

typedef struct stream {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  _Atomic int is_gone;
  _Atomic int is_broken; /* the reply is to be broken off */
  _Atomic int has_begun; /* status and headers were sent; set under the lock */
  _Atomic int holds;     /* the handler's, until it returns, and that of a kept exchange; whoever gives up the last one reports the job */
  _Atomic int lines;     /* of the log, under way */
  _Atomic int lost;      /* lines of the log that were not sent, and not told of yet */
  _Atomic int is_kept;
  int head_status; /* as it was sent */

  /* Under the lock. */
  int waits;    /* threads that wait for E */
  size_t ahead; /* what was sent and not taken yet, see STREAM_PIECE_COST */
  enum stream_input_state input;
  stream_input *first;
  stream_input *last;
  size_t buffered;
  int wants; /* E was told that bytes are wanted, and brings some */
  int is_asking;
  char *owned_answer;
  int is_answer_ok;

  size_t cursor; /* of `read` in a body that is there as a whole */
} stream;

void stream_init(stream *stream);
void stream_destroy(stream *stream);

/* T. Each returns what the function of dlserve_host does; `status` and `headers` are those of the moment, for the first part. */

int stream_write(struct job *job, int status, const char *headers, const void *part, size_t length);
int64_t stream_read(struct job *job, void *buffer, size_t capacity);

/* The answer is the caller's to free; NULL where there is none. */
int stream_ask(struct job *job, const char *service, const char *params, char **owned_answer);

void stream_log(struct job *job, int level, const char *text);

/* The handler has returned, and the call goes on: sends what it gave, and says so. */
void stream_kept(struct job *job, const invoke_reply *reply);

/* Whether a status that was stored after the first part breaks the reply off. */
int stream_is_broken_by(const stream *stream, int status);

/* Gives a hold up. Returns whether it was the last one: the job is ready to be reported then; else nothing of it may be touched. */
int stream_leave_hold(struct job *job);

/* E. */

/* The client has taken so much, see STREAM_PIECE_COST. */
void stream_credit(stream *stream, size_t taken);

/* Brings bytes of the request's body. Returns whether more are wanted at once; -1 where memory is out. */
int stream_feed(stream *stream, const void *bytes, size_t length);

/* There are no more; where `broken`, because the body was broken off. */
void stream_feed_end(stream *stream, int broken);

/* Answers what was asked; takes the text over. */
void stream_answer(stream *stream, int is_ok, char *owned_json);

/* Lets T go from wherever it waits. */
void stream_let_go(stream *stream);

/* Whether T waits for the host or its client. */
int stream_waits(stream *stream);

#endif
