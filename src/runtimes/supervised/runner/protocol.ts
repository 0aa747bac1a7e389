import type { TimeLimits } from '../../../plugin/deadline';
import type { Declared } from '../../../plugin/route';
import { MOST_CONCURRENCY } from '../../../plugin/runtime';

/**
 * Every message between host and runner, with its numbers; native/runner/protocol.h holds the same, and a test compares.
 *
 * Two sockets, one each way, carry frames: u32 length of the whole frame, u8 message, u8 flags, u16 number, then what the
 * message says. Numbers are little-endian, f64 are milliseconds. A side that reads anything else gives the other up.
 *
 * A third descriptor is a file that both map or read; see {@link Shared}.
 */
export const MAGIC = 0x56534c44;
export const VERSION = 4;

/** Descriptors that the runner is started with. */
export const CALLS_FD = 3;
export const REPLIES_FD = 4;
export const SHARED_FD = 5;
/** The area, where there is one. */
export const AREA_FD = 7;

/** The exit status of a runner that the system gives too little to begin with. */
export const LACKS_STATUS = 75;

export const Message = {
  /** Both, first of all: version and clock. Not answered. */
  HELLO: 1,
  /** Host, right after its HELLO: which library, and how. Answered by OPENED or FAILED. */
  OPEN: 2,
  /** Runner, once: the library is ready for calls. */
  OPENED: 3,
  /** Runner, once: the library is not to be had, and why. The runner ends. */
  FAILED: 4,
  /** Host, any time after OPENED, ids counting from 1. Each is answered by one REPLY. */
  CALL: 5,
  /** Runner, for each CALL, in the order in which they end. */
  REPLY: 6,
  /** Host, last: answer what was called, then PluginStop. Answered by STOPPED. */
  STOP: 7,
  /** Runner, last; it ends with status 0. Words follow where the plugin says that its end was not as it should be. */
  STOPPED: 8,
  /** Runner, before a REPLY whose body is large: the next bytes of it. Those of several replies may take turns. */
  PART: 9,
  /** Runner, before OPENED, where the library has PluginFactory or PluginRoutes: the next bytes of its name and routes. */
  DECLARED: 10,
} as const;

export const FRAME_HEADER = 8;
/** number = version; u32 magic, u32 unused, f64 the sender's monotonic clock. */
export const HELLO_SIZE = 24;
/**
 * u32 concurrency or 0, u32 what "any number" is, f64 memory or 0, f64 timeout, u32 largest reply, u32 most bytes of its headers,
 * u32 symbols; then NUL-ended texts.
 */
export const OPEN_HEADER = 44;
/** u32 threads at most, u32 unused. */
export const OPENED_SIZE = 16;
/** Of what a library says of itself: its name, the JSON of PluginRoutes and that of its factory's routes, each with its NUL. */
export const MOST_DECLARED = 65536;
export const MAX_DECLARED = 2162688;
/** number = stage; i32 detail, u32 unused; then words. */
export const FAILED_HEADER = 16;
/** Bytes of words in a FAILED. */
export const MOST_WORDS = 16384;
/** number = symbol; u64 id, f64 until when it must begin, f64 its client's deadline, both monotonic, u32 bytes of the head; then head, body. */
export const CALL_HEADER = 36;
/** number = outcome; u64 id, i32 status, u32 microseconds in the handler, u32 bytes of the headers; then headers, body. */
export const REPLY_HEADER = 28;
/** u64 id, u32 bytes of the whole body; then the next bytes of it. */
export const PART_HEADER = 20;

/** Bytes of a CALL. What the runner sends is never larger than the ring. */
export const MAX_FRAME = 0x40000000;
/** Of a body in one PART. */
export const MAX_PART = 131072;

export const CallFlag = {
  HAS_BODY: 1,
  /** The head is the whole text, whether or not there is a body. */
  COMPLETE: 2,
  /** The body is in the area; in its place are two f64: where from its beginning, and how many bytes. */
  IN_AREA: 64,
} as const;

export const ReplyFlag = {
  HAS_BODY: 1,
  ASCII: 2,
  HAS_HEADERS: 4,
  /** The body came before, in PARTs; in its place is an f64: how many bytes it has. */
  IN_PARTS: 8,
  /** The body is in the area; in its place are two f64: where from its beginning, and how many bytes. */
  IN_AREA: 64,
} as const;

/** What became of a call. */
export const Outcome = {
  /** The handler replied. */
  REPLY: 0,
  /** The time to begin had passed, or it was cancelled, before the call began; it never will. */
  SKIPPED: 1,
  /** There was no memory to hold the request; the handler was not called. */
  NO_MEMORY: 2,
  /** The handler gave more than it may. The body is an f64: how many bytes. */
  TOO_LARGE: 3,
  /** It gave more headers than it may. The body is an f64: how many bytes of them. */
  HEADERS_TOO_LARGE: 4,
} as const;

/** How far a runner has come: in FAILED, and in the shared file. */
export const Stage = { START: 0, LOAD: 1, ABI: 2, INIT: 3, SERVE: 4, STOP: 5 } as const;

/** The shared file: where things are in it. */
export const SharedLayout = {
  BEGUN: 0, TAKEN: 8, COMMITTED: 64, STAGE: 128, THREADS: 132, HALT: 192, ASKED: 200, CRASH: 256, MODULES: 1024,
  CANCELLED: 4096, RUNNING: 20480, RING: 36864, SIZE: 167936,
} as const;
/** Of what a thread executes: u64 id, or 0; f64 since when. */
export const RUNNING_SIZE = 16;
export const RING_SIZE = 131072;
/** In what a process says of its crash, and of the files in its memory. */
export const MOST_FRAMES = 40;
export const MOST_MODULES = 46;
/** Kinds of crashes: by a signal that the process has caused itself, by one that was sent from elsewhere, by exit in a handler; HANG is none, but where a call hangs. */
export const CrashKind = { SIGNAL: 1, SENT: 2, EXIT: 3, HANG: 4 } as const;
/** Asks a runner where the call is whose id stands at ASKED. */
export const HANG_SIGNAL = 61;
/** More than calls can be open: twice as many as threads can be, or a thousand. */
export const MOST_CANCELLED = 4096;
/**
 * The area: a table of the blocks of the replies, these, and the blocks of the requests. Bodies of more than LEAST bytes go through it; see
 * {@link Area}.
 */
export const AreaLayout = { BLOCK: 65536, REPLY_BLOCKS: 4096, REPLIES: 65536, REQUESTS: 268500992, SIZE: 402718720, LEAST: 32768 } as const;
/** Threads inside a library. */
export const MOST_THREADS = MOST_CONCURRENCY;

/** What was received is no frame of the protocol. */
export class ProtocolError extends Error {}

const CLOCK_OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** A time of performance.now() on the clock that both processes have (CLOCK_MONOTONIC), in milliseconds. */
export function monotonic(time: number): number {
  return time + CLOCK_OFFSET;
}

/** The other way round. */
export function fromMonotonic(time: number): number {
  return time - CLOCK_OFFSET;
}

function header(buffer: Buffer, message: number, flags: number, number: number): Buffer {
  buffer.writeUInt32LE(buffer.length, 0);
  buffer[4] = message;
  buffer[5] = flags;
  buffer.writeUInt16LE(number, 6);
  return buffer;
}

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

/** Makes a STOP. */
export function stopFrame(): Buffer {
  return header(Buffer.alloc(FRAME_HEADER), Message.STOP, 0, 0);
}

/** Bytes of what stands in place of a body in the area. */
export const PLACE_SIZE = 16;

const HIGH = 0x1_0000_0000;

/**
 * Writes the first bytes of a CALL.
 * @param length of the whole frame
 * @param headLength bytes of the request JSON, which follows; then comes the body
 * @param flags see {@link CallFlag}
 */
export function writeCallHeader(
  buffer: Buffer, at: number, length: number, id: number, symbol: number, headLength: number, flags: number, limits: TimeLimits,
): void {
  buffer.writeUInt32LE(length, at);
  buffer[at + 4] = Message.CALL;
  buffer[at + 5] = flags;
  buffer.writeUInt16LE(symbol, at + 6);
  buffer.writeUInt32LE(id % HIGH, at + 8);
  buffer.writeUInt32LE(Math.floor(id / HIGH), at + 12);
  buffer.writeDoubleLE(limits.beginBy + CLOCK_OFFSET, at + 16);
  buffer.writeDoubleLE(limits.ownAt + CLOCK_OFFSET, at + 24);
  buffer.writeUInt32LE(headLength, at + 32);
}

/** Reads the id of a REPLY or PART that starts at `at`. */
export function replyId(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 8) + buffer.readUInt32LE(at + 12) * HIGH;
}

/** Reads of how large a body a PART is, in bytes. */
export function partLength(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 16);
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

/**
 * Reads an OPENED: how many threads may be inside the library.
 * @throws ProtocolError
 */
export function readOpened(buffer: Buffer, start: number, end: number): number {
  const concurrency = end - start === OPENED_SIZE ? buffer.readUInt32LE(start + 8) : 0;
  if (concurrency === 0 || concurrency > MOST_THREADS) throw new ProtocolError('a malformed OPENED');
  return concurrency;
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
