#include "replies.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "fault.h"
#include "guard.h"
#include "watch.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* where it is missing, ignoring SIGPIPE must do */
#endif

/* Replies wait for company no longer than either of these while more calls are at hand. */
#define FLUSH_BYTES 16384u
#define FLUSH_AGE 0.1

/* A thread that waits for its turn. */
typedef struct waiter {
  pthread_cond_t go;
  int is_next;
  struct waiter *next;
} waiter;

static struct {
  int fd;
  shared_file *shared;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* `sent` or `sending` */
  uint64_t committed;     /* as in the shared file */
  uint64_t sent;          /* of these, in whole frames: up to here the ring may be written over */
  int sending;            /* some thread is in send_locked, and not holding the lock */
  int has_turn;           /* some thread sends around the ring, and will send all that is committed */
  waiter *first, **last;  /* those that want to, in order */
  double oldest;          /* when the first unsent reply was committed */
  uint64_t looked;        /* `sent` at the watch's last look */
} out = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .last = &out.first};

/* Sends all, however long it takes. */
static void send_all(struct iovec *pieces, size_t count) {
  while (count > 0) {
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    ssize_t sent = sendmsg(out.fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) guard_end();
    if (sent < 0) fault("replies can't be sent: %s", strerror(errno));
    for (; count > 0 && (size_t)sent >= pieces->iov_len; pieces++, count--) sent -= (ssize_t)pieces->iov_len;
    if (count == 0) return;
    pieces->iov_base = (uint8_t *)pieces->iov_base + sent;
    pieces->iov_len -= (size_t)sent;
  }
}

static size_t ring_pieces(struct iovec *pieces, uint64_t from, uint64_t to) {
  size_t start = from % PROTOCOL_RING_SIZE;
  size_t length = (size_t)(to - from);
  size_t first = PROTOCOL_RING_SIZE - start;
  if (first > length) first = length;
  pieces[0] = (struct iovec){.iov_base = out.shared->ring + start, .iov_len = first};
  pieces[1] = (struct iovec){.iov_base = out.shared->ring, .iov_len = length - first};
  return length > first ? 2 : 1;
}

/* Sends what was committed, and after it a frame that goes around the ring, if there is one. One thread sends at a time, and
 * lets others commit meanwhile. */
static void send_locked(const struct iovec *around, size_t count) {
  struct iovec pieces[4];
  uint64_t to = out.committed;
  size_t ring = ring_pieces(pieces, out.sent, to);
  if (count > 0) memcpy(pieces + ring, around, count * sizeof *around);
  out.sending = 1;
  pthread_mutex_unlock(&out.lock);
  send_all(pieces, ring + count);
  pthread_mutex_lock(&out.lock);
  out.sent = to;
  out.sending = 0;
  pthread_cond_broadcast(&out.changed);
}

/* Where another thread sends or has a turn, that one sends all. */
static void flush_locked(void) {
  while (!out.sending && !out.has_turn && out.sent < out.committed) send_locked(NULL, 0);
}

static void ring_put(uint64_t at, const void *bytes, size_t length) {
  if (length == 0) return;
  size_t start = at % PROTOCOL_RING_SIZE;
  size_t first = PROTOCOL_RING_SIZE - start;
  if (first > length) first = length;
  memcpy(out.shared->ring + start, bytes, first);
  memcpy(out.shared->ring, (const uint8_t *)bytes + first, length - first);
}

static int has_room(size_t length) { return out.committed + length - out.sent <= PROTOCOL_RING_SIZE; }

static void commit_locked(const void *header, size_t header_length, const void *middle, size_t middle_length, const void *body,
                          size_t body_length, double now) {
  ring_put(out.committed, header, header_length);
  ring_put(out.committed + header_length, middle, middle_length);
  ring_put(out.committed + header_length + middle_length, body, body_length);
  if (out.sent == out.committed) out.oldest = now;
  out.committed += header_length + middle_length + body_length;
  atomic_store_explicit(&out.shared->committed, out.committed, memory_order_release);
}

void replies_commit(const void *header, size_t header_length, const void *middle, size_t middle_length, const void *body,
                    size_t body_length, double now) {
  pthread_mutex_lock(&out.lock);
  while (!has_room(header_length + middle_length + body_length)) {
    if (out.sending) pthread_cond_wait(&out.changed, &out.lock);
    else send_locked(NULL, 0);
  }
  commit_locked(header, header_length, middle, middle_length, body, body_length, now);
  if (out.committed - out.sent >= FLUSH_BYTES || now - out.oldest >= FLUSH_AGE) flush_locked();
  pthread_mutex_unlock(&out.lock);
}

int replies_try_commit(const void *header, size_t header_length, const void *body, size_t body_length, double now) {
  pthread_mutex_lock(&out.lock);
  const int fits = has_room(header_length + body_length);
  if (fits) commit_locked(header, header_length, NULL, 0, body, body_length, now);
  pthread_mutex_unlock(&out.lock);
  return fits;
}

void replies_take_turn(void) {
  waiter self = {.go = PTHREAD_COND_INITIALIZER};
  pthread_mutex_lock(&out.lock);
  if (out.has_turn) {
    *out.last = &self;
    out.last = &self.next;
    while (!self.is_next) pthread_cond_wait(&self.go, &out.lock);
  }
  out.has_turn = 1;
  pthread_mutex_unlock(&out.lock);
}

void replies_pass(const void *header, size_t header_length, const void *body, size_t body_length) {
  const struct iovec frame[2] = {
    {.iov_base = (void *)header, .iov_len = header_length},
    {.iov_base = (void *)body, .iov_len = body_length},
  };
  pthread_mutex_lock(&out.lock);
  while (out.sending) pthread_cond_wait(&out.changed, &out.lock);
  send_locked(frame, 2);
  pthread_mutex_unlock(&out.lock);
}

void replies_end_turn(void) {
  pthread_mutex_lock(&out.lock);
  waiter *next = out.first;
  if (next != NULL) {
    out.first = next->next;
    if (out.first == NULL) out.last = &out.first;
    next->is_next = 1;
    pthread_cond_signal(&next->go);
  } else {
    out.has_turn = 0;
    flush_locked();
  }
  pthread_mutex_unlock(&out.lock);
}

void replies_flush(void) {
  pthread_mutex_lock(&out.lock);
  flush_locked();
  pthread_mutex_unlock(&out.lock);
}

void replies_leave(void) {
  pthread_mutex_lock(&out.lock);
  int unsent = out.sent < out.committed;
  pthread_mutex_unlock(&out.lock);
  if (unsent) watch_wake();
}

int replies_look(void) {
  pthread_mutex_lock(&out.lock);
  if (out.sent == out.looked) flush_locked();
  int unsent = out.sent < out.committed;
  out.looked = out.sent;
  pthread_mutex_unlock(&out.lock);
  return unsent;
}

void replies_start(int fd, shared_file *shared) {
  out.fd = fd;
  out.shared = shared;
}
