import { IncomingMessage } from 'node:http';
import { freeBuffer } from '../runtimes/registry';
import { isHttp2 } from './http2';

/** Below this many bytes a chunk is left to the collection of garbage. */
const LEAST = 8192;

/**
 * Frees the chunks of a request's body as soon as they were copied, where nobody else may hear of them: the next chunk gets the same memory,
 * which is still in the processor's cache, and V8, which counts what it has allocated and not collected, collects far less often.
 */
export class SpentChunks {
  #isShared: boolean;

  /** @param req nobody listens to it yet, unless somebody shares it */
  constructor(private readonly req: IncomingMessage) {
    this.#isShared = isHttp2(req) || req.listenerCount('data') > 0 || isWatched(req);
  }

  /** Called while a chunk is told of to its listeners. */
  free(chunk: Buffer): void {
    if (chunk.length < LEAST || chunk.length !== chunk.buffer.byteLength) return;
    this.#isShared ||= this.req.listenerCount('data') > 1 || this.req.listenerCount('readable') > 0;
    if (!this.#isShared) freeBuffer(chunk);
  }
}

/** Whoever has put methods of their own in front of those of streams sees all chunks, too. */
function isWatched(req: IncomingMessage): boolean {
  return ['emit', 'push', 'read'].some((name) => Object.hasOwn(req, name) || Object.hasOwn(IncomingMessage.prototype, name));
}
