import { BodyMode } from '../../../plugin/handlers';
import type { Declared } from '../../../plugin/route';
import {
  FAILED_HEADER, HELLO_SIZE, MAGIC, MOST_THREADS, Message, OPENED_SIZE, OPEN_HEADER, ProtocolError, VERSION, header, monotonic,
} from './protocol';

// What host and runner say to each other until the library is open.

/** Makes the host's HELLO. */
export function helloFrame(): Buffer {
  const frame = header(Buffer.alloc(HELLO_SIZE), Message.HELLO, 0, VERSION);
  frame.writeUInt32LE(MAGIC, 8);
  frame.writeDoubleLE(monotonic(performance.now()), 16);
  return frame;
}

export interface OpenRequest {
  readonly path: string;
  /** JSON, for PluginInit. */
  readonly config: string;
  readonly symbols: readonly string[];
  /** 0: as the library says. */
  readonly concurrency: number;
  /** What "any number" of the library means. */
  readonly any: number;
  /** Bytes; 0 is no limit. */
  readonly memory: number;
  /** Milliseconds that a call may be in its handler. */
  readonly timeout: number;
  /** Bytes of a reply, its headers included. */
  readonly largestReply: number;
  /** Bytes. */
  readonly mostHeaders: number;
}

/** Makes an OPEN. */
export function openFrame(open: OpenRequest): Buffer {
  const texts = Buffer.from([open.path, open.config, ...open.symbols, ''].join('\0'));
  const frame = header(Buffer.concat([Buffer.alloc(OPEN_HEADER), texts]), Message.OPEN, 0, 0);
  frame.writeUInt32LE(open.concurrency, 8);
  frame.writeUInt32LE(open.any, 12);
  frame.writeDoubleLE(open.memory, 16);
  frame.writeDoubleLE(open.timeout, 24);
  frame.writeUInt32LE(open.largestReply, 32);
  frame.writeUInt32LE(open.mostHeaders, 36);
  frame.writeUInt32LE(open.symbols.length, 40);
  return frame;
}

/** What a FAILED says. */
export interface Failure {
  readonly stage: number;
  /** The library's ABI, or what PluginInit returned. */
  readonly detail: number;
  readonly words: string;
}

/**
 * Reads a FAILED.
 * @throws ProtocolError
 */
export function readFailed(buffer: Buffer, start: number, end: number): Failure {
  if (end - start < FAILED_HEADER) throw new ProtocolError('a FAILED that is too short');
  return {
    stage: buffer.readUInt16LE(start + 6),
    detail: buffer.readInt32LE(start + 8),
    words: buffer.toString('utf8', start + FAILED_HEADER, end),
  };
}

/**
 * Reads what all DECLARED of a library say together.
 * @throws ProtocolError
 */
export function readDeclared(bytes: Buffer): Declared {
  const texts = bytes.toString('utf8').split('\0');
  if (texts.length !== 4 || texts[3] !== '') throw new ProtocolError('a malformed DECLARED');
  return { title: texts[0]!, routes: [texts[1]!, texts[2]!] };
}

/** What an OPENED says. */
export interface OpenedWords {
  /** Threads inside the library at most. */
  readonly concurrency: number;
  /** How each handler takes a body, see BodyMode; empty where all take it as text. */
  readonly bodies: Buffer;
}

/**
 * Reads an OPENED.
 * @param symbols how many there are
 * @throws ProtocolError
 */
export function readOpened(buffer: Buffer, start: number, end: number, symbols: number): OpenedWords {
  const concurrency = end - start < OPENED_SIZE ? 0 : buffer.readUInt32LE(start + 8);
  const bodies = Buffer.from(buffer.subarray(start + OPENED_SIZE, end));
  const areKnown = bodies.length === 0 || (bodies.length === symbols && bodies.every((mode) => mode <= BodyMode.STREAM));
  if (concurrency === 0 || concurrency > MOST_THREADS || !areKnown) throw new ProtocolError('a malformed OPENED');
  return { concurrency, bodies };
}

/**
 * Checks the runner's HELLO.
 * @throws ProtocolError
 */
export function checkHello(buffer: Buffer, start: number, end: number): void {
  if (end - start !== HELLO_SIZE || buffer.readUInt32LE(start + 8) !== MAGIC) throw new ProtocolError('a malformed HELLO');
  const version = buffer.readUInt16LE(start + 6);
  if (version !== VERSION) throw new ProtocolError(`version ${version} of the protocol, not ${VERSION}: run npm rebuild dlserve`);
}
