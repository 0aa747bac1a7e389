import { DlserveError } from '../../../ground/errors';
import type { Exchange } from '../../../plugin/exchange';
import { MAX_REPLY, type RawReply } from '../../../plugin/reply';
import { ProtocolError, REPLY_HEADER, ReplyFlag } from './protocol';

/** A REPLY, but for its id. */
export interface RunnerReply {
  readonly flags: number;
  readonly microseconds: number;
  /** null: the handler has not answered, and the flags say why. */
  readonly raw: RawReply | null;
  /** What it would have answered, in bytes, where that was too much. */
  readonly tooLarge: number;
}

/**
 * Reads a REPLY. A large body is a view of the buffer.
 * @throws ProtocolError
 */
export function readReply(buffer: Buffer, start: number, end: number): RunnerReply {
  const bodyStart = end - start < REPLY_HEADER ? Infinity : start + REPLY_HEADER + buffer.readUInt32LE(start + 24);
  if (bodyStart > end) throw new ProtocolError('a malformed REPLY');
  const flags = buffer[start + 5]!;
  const microseconds = buffer.readUInt32LE(start + 20);
  if (flags > 7) return { flags, microseconds, raw: null, tooLarge: readTooLarge(buffer, bodyStart, end, flags) };
  return {
    flags,
    microseconds,
    raw: {
      status: buffer.readInt32LE(start + 16),
      body: readBody(buffer, bodyStart, end, flags),
      headers: (flags & ReplyFlag.HAS_HEADERS) === 0 ? null : buffer.toString('latin1', start + REPLY_HEADER, bodyStart),
    },
    tooLarge: 0,
  };
}

function readBody(buffer: Buffer, start: number, end: number, flags: number): Buffer | string | null {
  if ((flags & ReplyFlag.HAS_BODY) === 0) return null;
  if ((flags & ReplyFlag.ASCII) !== 0) return buffer.toString('latin1', start, end);
  return buffer.subarray(start, end);
}

function readTooLarge(buffer: Buffer, start: number, end: number, flags: number): number {
  if ((flags & ReplyFlag.TOO_LARGE) === 0) return 0;
  if (end - start !== 8) throw new ProtocolError('a malformed REPLY');
  return buffer.readDoubleLE(start);
}

/** Settles an exchange that a runner has not answered; it was skipped, at its deadline, where no flag says otherwise. */
export function refuse(reply: RunnerReply, exchange: Exchange): void {
  const { symbol } = exchange.handler;
  if ((reply.flags & ReplyFlag.TOO_LARGE) !== 0) {
    exchange.fail(new DlserveError('REPLY_TOO_LARGE', { symbol, length: reply.tooLarge, limit: MAX_REPLY }));
  } else if ((reply.flags & ReplyFlag.NO_MEMORY) !== 0) {
    const reason = 'its memory limit leaves no room for the request';
    exchange.fail(new DlserveError('PLUGIN_CRASHED', { plugin: exchange.request.file, symbol, reason }));
  } else {
    exchange.failLate();
  }
}
