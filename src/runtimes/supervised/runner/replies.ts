import { DlserveError } from '../../../ground/errors';
import type { Exchange } from '../../../plugin/exchange';
import { MAX_REPLY, type RawReply } from '../../../plugin/reply';
import { headersTooLarge, MAX_REPLY_HEADERS } from '../../../plugin/reply-headers';
import type { Area, LentBody } from './area';
import type { LargeBodies } from './large-bodies';
import { Outcome, PLACE_SIZE, ProtocolError, REPLY_HEADER, replyId, ReplyFlag } from './protocol';

/** An outcome beside the runner's own: the host had no memory for the body. */
const DROPPED = -1;

/** A REPLY, but for its id. */
export interface RunnerReply {
  readonly outcome: number;
  readonly microseconds: number;
  /** null: the handler's reply is not to be had, and the outcome says why. */
  readonly raw: RawReply | null;
  /** Bytes of the body, or of that of which there was too much. */
  readonly length: number;
  /** It ends a reply that came in parts, and that is whole or broken; undefined where there were none. */
  readonly streamed?: 'whole' | 'broken' | undefined;
}

/**
 * Reads a REPLY. Its body is a view of the buffer, or comes from the large ones, or from the area.
 * @throws ProtocolError
 */
export function readReply(buffer: Buffer, start: number, end: number, large: LargeBodies, area: Area | null = null): RunnerReply {
  const headers = end - start < REPLY_HEADER ? Infinity : buffer.readUInt32LE(start + 24);
  const bodyStart = start + REPLY_HEADER + headers;
  if (bodyStart > end) throw new ProtocolError('a malformed REPLY');
  const flags = buffer[start + 5]!;
  const inParts = (flags & ReplyFlag.IN_PARTS) !== 0;
  const outcome = buffer.readUInt16LE(start + 6);
  const microseconds = buffer.readUInt32LE(start + 20);
  const refused = (why: number, length: number): RunnerReply => ({ outcome: why, microseconds, raw: null, length });

  if (large.size > 0 && !inParts && large.has(replyId(buffer, start))) throw new ProtocolError('a reply without its body');
  if (outcome !== Outcome.REPLY) return refused(outcome, readRefusal(buffer, bodyStart, end, outcome));
  if ((flags & ReplyFlag.STREAMED) !== 0) {
    return { ...refused(outcome, 0), streamed: (flags & ReplyFlag.BROKEN) === 0 ? 'whole' : 'broken' };
  }
  const lent = (flags & ReplyFlag.IN_AREA) === 0 ? undefined : readLent(buffer, bodyStart, end, area);
  const length = lent?.body.length ?? (inParts ? readLength(buffer, bodyStart, end) : end - bodyStart);
  const body = lent?.body ?? (inParts ? large.take(replyId(buffer, start), length) : readBody(buffer, bodyStart, end, flags));
  if (headers > MAX_REPLY_HEADERS) {
    lent?.release();
    return refused(Outcome.HEADERS_TOO_LARGE, headers);
  }
  if (inParts && body === null) return refused(DROPPED, length);
  const lines = (flags & ReplyFlag.HAS_HEADERS) === 0 ? null : buffer.toString('latin1', start + REPLY_HEADER, bodyStart);
  return { outcome, microseconds, raw: { status: buffer.readInt32LE(start + 16), body, headers: lines, release: lent?.release }, length };
}

function readBody(buffer: Buffer, start: number, end: number, flags: number): Buffer | string | null {
  if ((flags & ReplyFlag.HAS_BODY) === 0) return null;
  if ((flags & ReplyFlag.ASCII) !== 0) return buffer.toString('latin1', start, end);
  return buffer.subarray(start, end);
}

function readLent(buffer: Buffer, start: number, end: number, area: Area | null): LentBody {
  if (area === null || end - start !== PLACE_SIZE) throw new ProtocolError('a malformed REPLY');
  return area.take(buffer.readDoubleLE(start), buffer.readDoubleLE(start + 8));
}

function readLength(buffer: Buffer, start: number, end: number): number {
  if (end - start !== 8) throw new ProtocolError('a malformed REPLY');
  return buffer.readDoubleLE(start);
}

function readRefusal(buffer: Buffer, start: number, end: number, outcome: number): number {
  if (outcome > Outcome.HEADERS_TOO_LARGE) throw new ProtocolError(`a reply of outcome ${outcome}`);
  return outcome === Outcome.TOO_LARGE || outcome === Outcome.HEADERS_TOO_LARGE ? readLength(buffer, start, end) : 0;
}

/** Settles an exchange for which there is no reply. */
export function refuse({ outcome, length }: RunnerReply, exchange: Exchange): void {
  const { symbol } = exchange.handler;
  switch (outcome) {
    case Outcome.TOO_LARGE:
      exchange.fail(new DlserveError('REPLY_TOO_LARGE', { symbol, length, limit: MAX_REPLY }));
      break;
    case Outcome.HEADERS_TOO_LARGE:
      exchange.fail(headersTooLarge(symbol, length));
      break;
    case Outcome.NO_MEMORY:
      exchange.fail(new DlserveError('MEMORY_LIMIT', { plugin: exchange.request.file, symbol }));
      break;
    case DROPPED:
      exchange.fail(new DlserveError('OUT_OF_MEMORY', { what: `the ${length} bytes that ${symbol} replied` }));
      break;
    default:
      exchange.skip();
  }
}
