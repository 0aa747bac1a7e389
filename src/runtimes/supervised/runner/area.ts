import type { Release } from '../../../plugin/reply';
import { Blocks } from './blocks';
import { Mapping } from './mapping';
import { AreaLayout, ProtocolError } from './protocol';
import { Views } from './views';

const { BLOCK, REPLY_BLOCKS, REPLIES, REQUESTS, SIZE } = AreaLayout;
const REQUEST_BLOCKS = (SIZE - REQUESTS) / BLOCK;

/** Milliseconds without a large body after which the memory is given back. */
const REST = 1000;

/** A reply's body where the runner has put it. */
export interface LentBody {
  readonly body: Buffer;
  readonly release: Release;
}

interface Span {
  readonly first: number;
  readonly count: number;
}

function blocksOf(length: number): number {
  return Math.ceil(length / BLOCK);
}

/**
 * Memory that one runner and the host both see, through which large bodies pass: each is copied once, by whoever sends it, and read where it
 * lies. In which order both sides use it: native/runner/HANDSHAKES.md. What the library may write there is its own reply; which blocks are
 * in use the host knows by itself.
 */
export class Area {
  readonly #requests = new Blocks(REQUEST_BLOCKS);
  /** Those of replies that are still being written to their clients, or kept for them. */
  readonly #replies = new Blocks(REPLY_BLOCKS);
  /** Where the bodies of calls are that have not been answered. */
  readonly #calls = new Map<number, Span>();
  /** The blocks of requests that have memory: these are the first. */
  #backed = 0;
  #isClosed = false;
  #isUsed = false;
  #rest: NodeJS.Timeout | undefined;

  readonly #views: Views;

  private constructor(private readonly mapping: Mapping) {
    this.#views = new Views(mapping);
  }

  /** @returns null where there is no such memory to be had */
  static open(): Area | null {
    const mapping = Mapping.open(SIZE);
    return mapping === null ? null : new Area(mapping);
  }

  /** For the runner. */
  get descriptor(): number {
    return this.mapping.descriptor;
  }

  /**
   * Puts the body of a call where the runner reads it, until the call is {@link answered}.
   * @returns where that is; 0 where there is no room
   */
  put(id: number, body: Buffer | readonly Buffer[], length: number): number {
    if (this.#isClosed) return 0;
    const count = blocksOf(length);
    const first = this.#requests.take(count);
    if (first === -1) return 0;
    const offset = REQUESTS + first * BLOCK;
    if (!this.mapping.write(offset, first + count > this.#backed, body)) {
      this.#requests.give(first, count);
      return 0;
    }
    this.#backed = Math.max(this.#backed, first + count);
    this.#calls.set(id, { first, count });
    this.#use();
    return offset;
  }

  /** The runner is through with a call, or was never given it. */
  answered(id: number): void {
    const span = this.#calls.get(id);
    if (span === undefined) return;
    this.#calls.delete(id);
    this.#isUsed = true;
    this.#requests.give(span.first, span.count);
  }

  /**
   * The body of a reply.
   * @throws ProtocolError where it can't be there; RangeError when memory is out
   */
  take(offset: number, length: number): LentBody {
    const first = (offset - REPLIES) / BLOCK;
    const count = blocksOf(length);
    if (!(length > 0 && this.#replies.claim(first, count))) throw new ProtocolError(`a body of ${length} bytes at ${offset} of the area`);
    this.#use();
    let isHeld = true;
    const release = (): void => {
      if (isHeld) this.#give(first, count);
      isHeld = false;
    };
    try {
      return { body: this.#views.of(offset, length, count * BLOCK), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #give(first: number, count: number): void {
    this.#replies.give(first, count);
    this.#isUsed = true;
    if (!this.#isClosed) this.mapping.free(0, first, count);
    else if (this.#replies.used === 0) this.#views.detach();
  }

  #use(): void {
    this.#isUsed = true;
    this.#rest ??= setInterval(() => this.#look(), REST).unref();
  }

  #look(): void {
    if (this.#isUsed || this.#requests.used + this.#replies.used > 0) {
      this.#isUsed = false;
      return;
    }
    clearInterval(this.#rest);
    this.#rest = undefined;
    this.#views.detach();
    this.mapping.empty(REQUESTS, this.#backed * BLOCK);
    this.#backed = 0;
    this.mapping.emptyFree(0, REPLY_BLOCKS, REPLIES, BLOCK);
  }

  /** The runner has ended. What it has replied stays readable until it is released. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#rest);
    if (this.#replies.used === 0) this.#views.detach();
    this.mapping.close();
  }
}
