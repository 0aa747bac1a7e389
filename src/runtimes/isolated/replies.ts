import path from 'node:path';
import { DlserveError } from '../../ground/errors';
import type { RawReply } from '../../contract/reply';
import { MAX_REPLY, type Call, type PluginSource } from '../../contract/runtime';
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

/** The error of a call that a runner has not answered; it was skipped where no flag says otherwise. */
export function refusal(reply: RunnerReply, source: PluginSource, call: Call): DlserveError {
  const symbol = source.symbols[call.symbol]!;
  const library = path.basename(source.path);
  if ((reply.flags & ReplyFlag.TOO_LARGE) !== 0) {
    return new DlserveError('REPLY_TOO_LARGE', { symbol, length: reply.tooLarge, limit: MAX_REPLY });
  }
  if ((reply.flags & ReplyFlag.NO_MEMORY) !== 0) {
    return new DlserveError('PLUGIN_CRASHED', { library, symbol, reason: 'its memory limit leaves no room for the request' });
  }
  return new DlserveError('TIMEOUT', { library, symbol, timeout: call.timeout });
}
