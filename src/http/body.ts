import type { IncomingMessage } from 'node:http';
import { DlserveError } from '../ground/errors';
import type { Budget } from './body-budget';
import { BODY_ROOMS } from './body-rooms';
import { SpentChunks } from './spent-chunks';

/** Chunks below this many bytes are joined as they come: each has a Buffer of its own, which takes more than its bytes. */
const SMALL = 4096;
const JOINED = 65536;
/**
 * From this many bytes on a body that says its length is put together as it comes, so that no chunk outlives its turn; the chunks of
 * others are handed on as they are: whoever takes them copies them to where they are wanted.
 */
const LARGE = 32768;

/** What was read: in one piece, or in several. */
export type BodyBytes = Buffer | readonly Buffer[];

/** A request's body on its way in: its bytes are counted in the budget until {@link release}. */
export class Body {
  #chunks: Buffer[] = [];
  /** Where small chunks are joined, and how much of it is filled. */
  #joint: Buffer | null = null;
  #filled = 0;
  #length = 0;
  /** Where all of it is put together; its bytes are the first so many of it. */
  #room: Buffer | null = null;
  #roomFilled = 0;
  #spent: SpentChunks | undefined;

  constructor(
    private readonly budget: Budget,
    private readonly limit: number,
  ) {}

  /**
   * Reads a request's body.
   * @param done gets the bytes, or BODY_TOO_LARGE, SERVER_FULL or BODY_CONSUMED; never called when the client goes away half-way
   */
  read(req: IncomingMessage, done: (error: DlserveError | null, body: BodyBytes) => void): void {
    const read = alreadyRead(req);
    if (read !== undefined) {
      if (!Buffer.isBuffer(read)) done(new DlserveError('BODY_CONSUMED'), EMPTY);
      else done(this.#refusal(read.length), read);
      return;
    }
    const onData = (chunk: Buffer): void => {
      const refusal = this.#refusal(chunk.length);
      if (refusal === null) {
        this.#add(chunk);
        return;
      }
      req.off('data', onData).off('end', onEnd);
      this.release();
      // node:http reads and drops the rest, so that the client is not cut off before it sees the answer.
      req.resume();
      done(refusal, EMPTY);
    };
    const onEnd = (): void => done(null, this.#all());
    this.#room = roomFor(req);
    if (this.#room !== null) this.#spent = new SpentChunks(req);
    // Without a listener an abort would be an uncaught exception; there is nobody left to answer.
    req.on('data', onData).on('end', onEnd).on('error', () => undefined);
    req.on('close', () => {
      if (!req.complete) this.release();
    });
  }

  /** Counts so many bytes more. */
  #refusal(bytes: number): DlserveError | null {
    if (this.#length + bytes > this.limit) return new DlserveError('BODY_TOO_LARGE', { limit: this.limit });
    if (!this.budget.take(bytes, this.#length)) return this.budget.exceeded();
    this.#length += bytes;
    return null;
  }

  #add(chunk: Buffer): void {
    if (this.#room !== null && this.#roomFilled + chunk.length <= this.#room.length) {
      this.#roomFilled += chunk.copy(this.#room, this.#roomFilled);
      this.#spent!.free(chunk);
      return;
    }
    if (chunk.length >= SMALL || (this.#joint === null && this.#chunks.length === 0)) {
      this.#closeJoint();
      this.#chunks.push(chunk);
      return;
    }
    if (this.#joint !== null && this.#filled + chunk.length > this.#joint.length) this.#closeJoint();
    this.#joint ??= Buffer.allocUnsafeSlow(JOINED);
    this.#filled += chunk.copy(this.#joint, this.#filled);
  }

  #closeJoint(): void {
    if (this.#joint !== null) this.#chunks.push(this.#joint.subarray(0, this.#filled));
    this.#joint = null;
    this.#filled = 0;
  }

  #all(): BodyBytes {
    this.#closeJoint();
    const chunks = this.#chunks;
    this.#chunks = [];
    if (this.#room !== null) chunks.unshift(this.#room.subarray(0, this.#roomFilled));
    if (chunks.length === 1) return chunks[0]!;
    return this.#length < LARGE ? Buffer.concat(chunks, this.#length) : chunks;
  }

  /**
   * Its bytes count no more.
   * @param isUnread nobody will read them again
   */
  release(isUnread = false): void {
    this.budget.give(this.#length);
    this.#length = 0;
    this.#chunks = [];
    this.#joint = null;
    if (this.#room !== null) {
      if (isUnread) BODY_ROOMS.give(this.#room);
      else BODY_ROOMS.leave(this.#room);
    }
    this.#room = null;
  }
}

const EMPTY = Buffer.alloc(0);

function roomFor({ headers }: IncomingMessage): Buffer | null {
  const length = Number(headers['content-length'] ?? 0);
  return length >= LARGE ? BODY_ROOMS.take(length) : null;
}

/** In a person's own Express app a body parser may have been first. undefined: nobody was. */
export function alreadyRead(req: IncomingMessage & { body?: unknown }): unknown {
  if (!req.readableEnded && !(req.complete && req.readableDidRead && req.readableLength === 0)) return undefined;
  if (typeof req.body === 'string') return Buffer.from(req.body);
  return req.body ?? null;
}
