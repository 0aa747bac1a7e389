import type { TimeLimits } from '../../../plugin/deadline';
import { MOST_CONCURRENCY } from '../../../plugin/runtime';

/**
 * Every message between host and runner, with its numbers; native/runner/protocol.h holds the same, and a test compares.
 *
 * Two sockets, one each way, carry frames: u32 length of the whole frame, u8 message, u8 flags, u16 number, then what the
 * message says. Numbers are little-endian, f64 are milliseconds. A side that reads anything else gives the other up. A third socket
 * carries what the host says to calls that run: nobody reads the first one while all threads do.
 *
 * One more descriptor is a file that both map or read; see {@link Shared}.
 */
export const MAGIC = 0x56534c44;
export const VERSION = 4;

/** Descriptors that the runner is started with. */
export const CALLS_FD = 3;
export const REPLIES_FD = 4;
export const SHARED_FD = 5;
export const CONTROL_FD = 6;
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
  /** Runner, for a call whose reply comes in parts, once: status and headers. */
  HEAD: 11,
  /** Runner, after HEAD: the next bytes of the reply. */
  CHUNK: 12,
  /** Runner, for a handler that takes the body in parts: so much of it has been read, and more is wanted. */
  WANT: 13,
  /** Runner, in one frame or several: what a handler asks the host. Answered by ANSWER. */
  ASK: 14,
  /** Runner, any time while a call runs: a line for the log. */
  LOG: 15,
  /** Runner, once: the handler has returned and its reply goes on. Its REPLY comes when that ends. */
  KEPT: 16,
  /** Host, for each ASK, through the control socket as all that follow. */
  ANSWER: 17,
  /** Host, as the client takes what was sent; or at once where nobody takes any more of it. */
  CREDIT: 18,
  /** Host, after WANT: the next bytes of the body, no more than a window ahead of what was read. */
  BODY: 19,
} as const;

export const FRAME_HEADER = 8;
/** number = version; u32 magic, u32 unused, f64 the sender's monotonic clock. */
export const HELLO_SIZE = 24;
/**
 * u32 concurrency or 0, u32 what "any number" is, f64 memory or 0, f64 timeout, u32 largest reply, u32 most bytes of its headers,
 * u32 symbols; then NUL-ended texts.
 */
export const OPEN_HEADER = 44;
/** u32 threads at most, u32 unused; then, where not all handlers take a body as text, how each takes it: a byte for each symbol. */
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

/**
 * What a handler says through the functions of the host, and what it is told: u64 id, then of a HEAD i32 status, u32 unused, headers; of a
 * WANT u64 bytes that were read; of a LOG u32 lines that were lost before, u32 unused, text; of a CREDIT u64 bytes that were taken; of an ASK
 * the next bytes of service and parameters, each with its NUL. ASK and ANSWER: number = which ask. LOG: number = level.
 */
export const CALL_WORDS = 16;
export const HEAD_HEADER = 24;
export const WANT_SIZE = 24;
export const LOG_HEADER = 24;
export const CREDIT_SIZE = 24;
/** Of a reply in one CHUNK, of what is asked in one ASK, of a text in one LOG. */
export const MOST_CHUNK = 32768;
/** Of what is asked, in all, and of the bytes in one BODY. */
export const MOST_ASKED = 16777216;
export const MOST_BODY = 65536;
/** So many bytes of a reply may have been sent, or of a body, that nobody has taken yet; and one CHUNK or BODY more. */
export const WINDOW = 262144;

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
  /** The reply came before, in HEAD and CHUNKs, and ends with this; whole, or broken off. */
  STREAMED: 16,
  BROKEN: 32,
  /** The body is in the area; in its place are two f64: where from its beginning, and how many bytes. */
  IN_AREA: 64,
} as const;

export const AskFlag = { MORE: 1 } as const;
export const AnswerFlag = { OK: 1 } as const;
/** Nobody takes any more of it; the call's time is over. */
export const CreditFlag = { GONE: 1, OVER: 2 } as const;
/** There is no more of it; the client has gone. */
export const BodyFlag = { LAST: 1, BROKEN: 2 } as const;

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

/** Writes the first bytes of a frame which is the whole buffer, and returns that. */
export function header(buffer: Buffer, message: number, flags: number, number: number): Buffer {
  buffer.writeUInt32LE(buffer.length, 0);
  buffer[4] = message;
  buffer[5] = flags;
  buffer.writeUInt16LE(number, 6);
  return buffer;
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

/** Reads the id of the call that a runner's frame is about. */
export function replyId(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 8) + buffer.readUInt32LE(at + 12) * HIGH;
}

/** Reads of how large a body a PART is, in bytes. */
export function partLength(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 16);
}
