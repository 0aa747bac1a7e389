import { AnswerFlag, BodyFlag, CALL_WORDS, CREDIT_SIZE, HEAD_HEADER, LOG_HEADER, MOST_CHUNK, Message, ProtocolError, WANT_SIZE, header } from './protocol';
import type { RawHead } from '../../../plugin/reply';

const HIGH = 0x1_0000_0000;

/** What a HEAD says. */
export function readHead(buffer: Buffer, start: number, end: number): RawHead {
  if (end - start < HEAD_HEADER) throw new ProtocolError('a malformed HEAD');
  const headers = end - start === HEAD_HEADER ? null : buffer.toString('latin1', start + HEAD_HEADER, end);
  return { status: buffer.readInt32LE(start + CALL_WORDS), headers };
}

/** Bytes of a CHUNK or an ASK: a view. */
export function readBytes(buffer: Buffer, start: number, end: number): Buffer {
  const length = end - start - CALL_WORDS;
  if (length > MOST_CHUNK) throw new ProtocolError(`${length} bytes in a frame of a call`);
  return buffer.subarray(start + CALL_WORDS, end);
}

/** How much of its body a handler has read, in bytes. */
export function readWant(buffer: Buffer, start: number, end: number): number {
  if (end - start !== WANT_SIZE) throw new ProtocolError('a malformed WANT');
  return buffer.readUInt32LE(start + CALL_WORDS) + buffer.readUInt32LE(start + CALL_WORDS + 4) * HIGH;
}

/** A line for the log. */
export interface LogLine {
  readonly level: number;
  /** Lines that were lost before. */
  readonly lost: number;
  readonly text: string;
}

/** Reads a LOG. */
export function readLog(buffer: Buffer, start: number, end: number): LogLine {
  if (end - start < LOG_HEADER) throw new ProtocolError('a malformed LOG');
  const lost = buffer.readUInt32LE(start + CALL_WORDS);
  return { level: buffer.readUInt16LE(start + 6), lost, text: buffer.toString('utf8', start + LOG_HEADER, end) };
}

function words(length: number, message: number, flags: number, number: number, id: number): Buffer {
  const frame = header(Buffer.allocUnsafe(length), message, flags, number);
  writeNumber(frame, 8, id);
  return frame;
}

function writeNumber(frame: Buffer, at: number, value: number): void {
  frame.writeUInt32LE(value % HIGH, at);
  frame.writeUInt32LE(Math.floor(value / HIGH), at + 4);
}

/** Makes an ANSWER. */
export function answerFrame(id: number, number: number, isOk: boolean, json: string): Buffer {
  const frame = words(CALL_WORDS + Buffer.byteLength(json), Message.ANSWER, isOk ? AnswerFlag.OK : 0, number, id);
  frame.write(json, CALL_WORDS, 'utf8');
  return frame;
}

/**
 * Makes a CREDIT.
 * @param taken bytes, in all
 * @param flags see CreditFlag
 */
export function creditFrame(id: number, taken: number, flags: number): Buffer {
  const frame = words(CREDIT_SIZE, Message.CREDIT, flags, 0, id);
  writeNumber(frame, CALL_WORDS, taken);
  return frame;
}

/** Makes the beginning of a BODY; so many bytes follow. */
export function bodyHeader(id: number, length: number): Buffer {
  const frame = words(CALL_WORDS, Message.BODY, 0, 0, id);
  frame.writeUInt32LE(CALL_WORDS + length, 0);
  return frame;
}

/** Makes the BODY that ends it. */
export function bodyEnd(id: number, isBroken: boolean): Buffer {
  return words(CALL_WORDS, Message.BODY, isBroken ? BodyFlag.BROKEN : BodyFlag.LAST, 0, id);
}
