#include "host_calls.h"

#include <stdlib.h>

#include "hub.h"
#include "job.h"
#include "lane.h"

static hosted_exchange *hosted(dlserve_exchange *exchange) { return (hosted_exchange *)(void *)exchange; }

static int host_write(dlserve_exchange *exchange, const void *lent_part, size_t length) {
  hosted_exchange *own = hosted(exchange);
  return stream_write(own->job, own->call.status, exchange->given_reply_headers, lent_part, length);
}

static int64_t host_read(dlserve_exchange *exchange, void *buffer, size_t capacity) {
  hosted_exchange *own = hosted(exchange);
  return own->is_kept ? DLSERVE_UNAVAILABLE : stream_read(own->job, buffer, capacity);
}

static int host_is_cancelled(dlserve_exchange *exchange) { return hosted(exchange)->job->stream.is_gone; }

#define GONE_ANSWER "{\"code\":\"GONE\",\"message\":\"nobody waits for the reply any more, or its time is over\"}"
#define NO_MEMORY_ANSWER "{\"code\":\"OUT_OF_MEMORY\",\"message\":\"there is no memory for the question\"}"

static int host_ask(dlserve_exchange *exchange, const char *lent_service, const char *lent_params, const char **lent_answer) {
  hosted_exchange *own = hosted(exchange);
  free(own->owned_answer);
  int said = stream_ask(own->job, lent_service, lent_params, &own->owned_answer);
  const char *answer = own->owned_answer;
  if (said == DLSERVE_GONE) answer = GONE_ANSWER;
  if (said == DLSERVE_NO_MEMORY) answer = NO_MEMORY_ANSWER;
  if (lent_answer != NULL) *lent_answer = answer;
  return said;
}

static void host_log(dlserve_exchange *exchange, int level, const char *lent_text) { stream_log(hosted(exchange)->job, level, lent_text); }

static dlserve_exchange *host_keep(dlserve_exchange *exchange) {
  hosted_exchange *own = hosted(exchange);
  stream *stream = &own->job->stream;
  hosted_exchange *kept = stream->is_kept ? NULL : calloc(1, sizeof *kept);
  if (kept == NULL) return NULL;
  kept->job = own->job;
  kept->is_kept = 1;
  kept->call = own->call;
  kept->call.exchange.lent_request_body = NULL;
  kept->call.exchange.lent_request_body_length = 0;
  stream->is_kept = 1;
  stream->holds++;
  atomic_fetch_add(&own->job->lane->references, 1);
  return &kept->call.exchange;
}

static void host_end(dlserve_exchange *exchange, int broken) {
  hosted_exchange *kept = hosted(exchange);
  job *job = kept->job;
  lane *lane = job->lane;
  if (broken) job->stream.is_broken = 1;
  free(kept->owned_answer);
  free(kept);
  if (stream_leave_hold(job)) {
    job->state = JOB_ENDED;
    hub_report(lane->hub, job);
  }
  lane_release(lane);
}

const dlserve_host thread_host = {
  .size = sizeof(dlserve_host),
  .write = host_write,
  .read = host_read,
  .is_cancelled = host_is_cancelled,
  .ask = host_ask,
  .log = host_log,
  .keep = host_keep,
  .end = host_end,
};
