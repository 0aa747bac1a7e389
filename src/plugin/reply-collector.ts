import { DlserveError } from '../ground/errors';
import type { Exchange } from './exchange';
import type { Recipient } from './recipient';
import type { Reply, ReplyHead } from './reply';

/** A reply for whoever reads it in this process. */
export interface ReadReply<Body = Buffer> {
  readonly status: number;
  /** By name, in lower case; a name that comes more than once has a list. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Body;
}

/** How a call ends for whoever made it. */
export interface CallEnd<Body = Buffer> {
  readonly fulfil: (reply: ReadReply<Body>) => void;
  readonly reject: (error: Error) => void;
  /** Nothing more is heard of the call; said last, also of one that was dropped. */
  readonly over: () => void;
}

/** Waits for a reply as a whole, however it comes. */
export class ReplyCollector implements Recipient {
  exchange: Exchange | undefined;
  #head: ReplyHead | undefined;
  readonly #parts: Buffer[] = [];
  #length = 0;

  /**
   * @param limit bytes of a body
   * @param tooLarge what is said of one that is longer
   */
  constructor(
    private readonly ending: CallEnd,
    private readonly limit: number,
    private readonly tooLarge: (length: number) => Error,
  ) {}

  reply(reply: Reply): void {
    const { length } = reply.body;
    if (length > this.limit) {
      reply.release?.();
      this.#reject(this.tooLarge(length));
      return;
    }
    const body = ownBytesOf(reply);
    if (body === null) {
      this.#reject(new DlserveError('OUT_OF_MEMORY', { what: 'the reply' }));
      return;
    }
    this.ending.fulfil({ status: reply.status, headers: headersOf(reply.headers), body });
    this.ending.over();
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  dropped(): void {
    this.ending.over();
  }

  /** Nobody waits any more. @param error why, for whoever did */
  leave(error: Error): void {
    this.ending.reject(error);
    this.exchange?.abandon();
  }

  begin(head: ReplyHead): void {
    this.#head = head;
  }

  write(part: Buffer): boolean {
    const before = this.#length;
    this.#length += part.length;
    if (this.#length <= this.limit) {
      this.#parts.push(part);
    } else if (before <= this.limit) {
      this.#parts.length = 0;
      // Whoever brings the part is in the middle of that.
      queueMicrotask(() => this.leave(this.tooLarge(this.#length)));
    }
    return true;
  }

  end(): void {
    if (this.#length > this.limit) this.#reject(this.tooLarge(this.#length));
    else this.reply({ ...this.#head!, body: Buffer.concat(this.#parts), release: undefined });
  }

  #reject(error: Error): void {
    this.ending.reject(error);
    this.ending.over();
  }
}

/** The bytes of a reply in memory of their own; null where there is none for them. */
export function ownBytesOf({ body, release }: Reply): Buffer | null {
  try {
    if (typeof body === 'string') return Buffer.from(body, 'latin1');
    return release === undefined ? body : Buffer.from(body);
  } catch {
    return null;
  } finally {
    release?.();
  }
}

/** @param list names and values in turn */
export function headersOf(list: readonly string[]): Record<string, string | string[]> {
  const headers = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!.toLowerCase();
    const value = list[i + 1]!;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
