import type { Socket } from 'node:net';
import type { Http2ServerResponse } from 'node:http2';

/** Looks in the time that a client may leave replies unread. */
const LOOKS = 4;

/** Cuts off an HTTP/1.1 connection whose client reads nothing of what was written to it for too long. */
export class WriteTimeout {
  #timer: NodeJS.Timeout | undefined;
  /** What was unsent at the last look that found a change, and performance.now() then. */
  #seen = '';
  #since = 0;

  /**
   * @param limit milliseconds; 0 is no limit
   * @param expects whether there may be more to send when nothing is unsent
   */
  constructor(
    private readonly socket: Socket,
    private readonly limit: number,
    private readonly expects: () => boolean,
  ) {}

  /** Something is unsent, or will be. */
  watch(): void {
    if (this.limit === 0 || this.#timer !== undefined || this.socket.destroyed) return;
    this.#timer = setInterval(() => this.#look(), Math.max(1, this.limit / LOOKS)).unref();
    this.#since = performance.now();
  }

  /** The connection is over. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const { socket } = this;
    if (socket.writableLength === 0 && !this.expects()) {
      this.stop();
      return;
    }
    const seen = unsentOf(socket);
    if (seen !== this.#seen || socket.writableLength === 0) {
      this.#seen = seen;
      this.#since = performance.now();
    } else if (performance.now() - this.#since >= this.limit) {
      socket.destroy();
    }
  }
}

/** Changes when the client reads. A large write counts as a whole; how much of it is left is known to the handle alone, as node:net has it. */
function unsentOf(socket: Socket): string {
  const { _handle: handle } = socket as { _handle?: { writeQueueSize?: number } | null };
  return `${socket.bytesWritten} ${socket.writableLength} ${handle?.writeQueueSize ?? 0}`;
}

/**
 * The same for a stream of HTTP/2, whose client may have others: it alone is ended.
 * @param limit milliseconds; 0 is no limit
 */
export function limitStream({ stream }: Http2ServerResponse, limit: number): void {
  if (limit === 0 || stream.destroyed || stream.writableFinished) return;
  stream.on('timeout', () => {
    // It is also told where there is nothing to send for so long.
    if (stream.writableLength > 0) stream.destroy();
    else stream.setTimeout(limit);
  });
  stream.setTimeout(limit);
}
