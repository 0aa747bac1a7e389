#include "host.h"

#include "../invoke/clock.h"
#include "asking.h"
#include "guard.h"
#include "hosted.h"
#include "keep.h"
#include "stream.h"
#include "upload.h"

static int is_cancelled(dlserve_exchange *exchange) {
  hosted *call = hosted_of(exchange);
  if (guard_is_fork() || hosted_is_gone(call)) return 1;
  return !atomic_load(&call->has_begun) && clock_now() >= call->deadline;
}

const dlserve_host host_functions = {
  .size = sizeof host_functions,
  .write = stream_write,
  .read = upload_read,
  .is_cancelled = is_cancelled,
  .ask = asking_ask,
  .log = asking_log,
  .keep = keep_exchange,
  .end = keep_end,
};
