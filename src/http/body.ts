import type { IncomingMessage } from 'node:http';
import { DlserveError } from '../ground/errors';

/**
 * Reads a request's body.
 * @param limit bytes
 * @param done gets the bytes, or BODY_TOO_LARGE, or BODY_CONSUMED; never called when the client goes away half-way
 */
export function readBody(req: IncomingMessage, limit: number, done: (error: DlserveError | null, body: Buffer) => void): void {
  const read = alreadyRead(req);
  if (read !== undefined) {
    if (!Buffer.isBuffer(read)) done(new DlserveError('BODY_CONSUMED'), EMPTY);
    else if (read.length > limit) done(new DlserveError('BODY_TOO_LARGE', { limit }), EMPTY);
    else done(null, read);
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    if (length <= limit) {
      chunks.push(chunk);
      return;
    }
    req.off('data', onData).off('end', onEnd);
    // node:http reads and drops the rest, so that the client is not cut off before it sees the answer.
    done(new DlserveError('BODY_TOO_LARGE', { limit }), EMPTY);
  };
  const onEnd = (): void => {
    done(null, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length));
  };
  // Without a listener an abort would be an uncaught exception; there is nobody left to answer.
  req.on('data', onData).on('end', onEnd).on('error', () => undefined);
}

const EMPTY = Buffer.alloc(0);

/** In a person's own Express app a body parser may have been first. undefined: nobody was. */
function alreadyRead(req: IncomingMessage & { body?: unknown }): unknown {
  if (!req.readableEnded && !(req.complete && req.readableDidRead && req.readableLength === 0)) return undefined;
  if (typeof req.body === 'string') return Buffer.from(req.body);
  return req.body ?? null;
}
