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

/* Larger frames go around the ring. */
#define RING_FRAME (PROTOCOL_RING_SIZE / 4)
/* Replies wait for company no longer than either of these while more calls are at hand. */
#define FLUSH_BYTES 16384u
#define FLUSH_AGE 0.1

static struct {
  int fd;
  shared_file *shared;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* `sent` or `sending` */
  uint64_t committed;     /* as in the shared file */
  uint64_t sent;
  int sending;            /* some thread is in flush_locked, and maybe not holding the lock */
  double oldest;          /* when the first unsent reply was committed */
  uint64_t looked;        /* `sent` at the watch's last look */
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* Sends as much as the socket takes; blocks until it takes something. */
static size_t send_some(struct iovec *parts, size_t count) {
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
  ssize_t sent;
  do sent = sendmsg(out.fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) guard_end();
  if (sent < 0) fault("replies can't be sent: %s", strerror(errno));
  return (size_t)sent;
}

static size_t send_ring(uint64_t from, uint64_t to) {
  size_t start = from % PROTOCOL_RING_SIZE;
  size_t length = (size_t)(to - from);
  size_t first = PROTOCOL_RING_SIZE - start;
  if (first > length) first = length;
  struct iovec parts[2] = {
    { .iov_base = out.shared->ring + start, .iov_len = first },
    { .iov_base = out.shared->ring, .iov_len = length - first },
  };
  return send_some(parts, length > first ? 2 : 1);
}

/* One thread sends at a time, and lets others commit meanwhile. */
static void flush_locked(void) {
  if (out.sending) return;
  out.sending = 1;
  while (out.sent < out.committed) {
    uint64_t to = out.committed;
    pthread_mutex_unlock(&out.lock);
    size_t sent = send_ring(out.sent, to);
    pthread_mutex_lock(&out.lock);
    out.sent += sent;
    pthread_cond_broadcast(&out.changed);
  }
  out.sending = 0;
  pthread_cond_broadcast(&out.changed);
}

static void ring_put(uint64_t at, const void *bytes, size_t length) {
  if (length == 0) return;
  size_t start = at % PROTOCOL_RING_SIZE;
  size_t first = PROTOCOL_RING_SIZE - start;
  if (first > length) first = length;
  memcpy(out.shared->ring + start, bytes, first);
  memcpy(out.shared->ring, (const uint8_t *)bytes + first, length - first);
}

static void publish(uint64_t committed) {
  out.committed = committed;
  atomic_store_explicit(&out.shared->committed, committed, memory_order_release);
}

/* Sends a frame that is too large for the ring straight from where it is, after all before it. */
static void send_around(struct iovec *parts, size_t count, size_t length) {
  for (;;) {
    flush_locked();
    if (!out.sending && out.sent == out.committed) break;
    pthread_cond_wait(&out.changed, &out.lock);
  }
  while (count > 0) {
    size_t sent = send_some(parts, count);
    while (count > 0 && sent >= parts->iov_len) {
      sent -= parts->iov_len;
      parts++;
      count--;
    }
    if (count > 0) {
      parts->iov_base = (uint8_t *)parts->iov_base + sent;
      parts->iov_len -= sent;
    }
  }
  publish(out.committed + length);
  out.sent = out.committed;
}

void replies_commit(const void *header, size_t header_length, const void *middle, size_t middle_length, const void *body,
                    size_t body_length, double now) {
  size_t length = header_length + middle_length + body_length;
  pthread_mutex_lock(&out.lock);
  if (length > RING_FRAME) {
    struct iovec parts[3] = {
      { .iov_base = (void *)header, .iov_len = header_length },
      { .iov_base = (void *)middle, .iov_len = middle_length },
      { .iov_base = (void *)body, .iov_len = body_length },
    };
    send_around(parts, 3, length);
  } else {
    while (out.committed + length - out.sent > PROTOCOL_RING_SIZE) {
      if (out.sending) pthread_cond_wait(&out.changed, &out.lock);
      else flush_locked();
    }
    ring_put(out.committed, header, header_length);
    ring_put(out.committed + header_length, middle, middle_length);
    ring_put(out.committed + header_length + middle_length, body, body_length);
    if (out.sent == out.committed) out.oldest = now;
    publish(out.committed + length);
    if (out.committed - out.sent >= FLUSH_BYTES || now - out.oldest >= FLUSH_AGE) flush_locked();
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
