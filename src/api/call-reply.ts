import { Readable } from 'node:stream';
import { DlserveError } from '../ground/errors';
import type { Exchange } from '../plugin/exchange';
import type { Recipient } from '../plugin/recipient';
import { MAX_REPLY, type Reply, type ReplyHead } from '../plugin/reply';

/** What a handler answers. */
export interface CallReply<Body = Buffer> {
  readonly status: number;
  /** By name, in lower case; a name that comes more than once has a list. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Body;
}

/** How a call ends for whoever made it. */
export interface CallEnd<Body> {
  readonly fulfil: (reply: CallReply<Body>) => void;
  readonly reject: (error: Error) => void;
  /** Nothing more is heard of the call. */
  readonly over: () => void;
}

/** A recipient that can be told to wait no longer. */
export interface Caller extends Recipient {
  exchange: Exchange | undefined;
  /** Nobody waits any more. @param error why, for whoever did */
  leave(error: Error): void;
}

/** Waits for a reply as a whole. */
export class CollectingCaller implements Caller {
  exchange: Exchange | undefined;
  #head: ReplyHead | undefined;
  readonly #parts: Buffer[] = [];
  #length = 0;

  constructor(private readonly ending: CallEnd<Buffer>) {}

  reply(reply: Reply): void {
    this.ending.over();
    const body = ownBytesOf(reply);
    if (body === null) this.ending.reject(new DlserveError('OUT_OF_MEMORY', { what: 'the reply' }));
    else this.ending.fulfil({ status: reply.status, headers: headersOf(reply.headers), body });
  }

  fail(error: Error): void {
    this.ending.over();
    this.ending.reject(error);
  }

  dropped(): void {
    this.ending.over();
  }

  leave(error: Error): void {
    this.ending.reject(error);
    this.exchange?.abandon();
  }

  begin(head: ReplyHead): void {
    this.#head = head;
  }

  write(part: Buffer): boolean {
    this.#length += part.length;
    if (this.#length <= MAX_REPLY) {
      this.#parts.push(part);
    } else if (this.#parts.length > 0) {
      this.#parts.length = 0;
      const symbol = this.exchange?.handler.symbol ?? '';
      queueMicrotask(() => this.leave(new DlserveError('REPLY_TOO_LARGE', { symbol, length: this.#length, limit: MAX_REPLY })));
    }
    return true;
  }

  end(): void {
    const { status, headers } = this.#head!;
    this.reply({ status, headers, body: Buffer.concat(this.#parts), release: undefined });
  }
}

/** Waits for the head of a reply, and hands on its body as it comes. */
export class StreamingCaller implements Caller {
  exchange: Exchange | undefined;
  #body: ReplyBody | undefined;

  constructor(private readonly ending: CallEnd<Readable>) {}

  reply(reply: Reply): void {
    const body = ownBytesOf(reply);
    if (body === null) {
      this.fail(new DlserveError('OUT_OF_MEMORY', { what: 'the reply' }));
      return;
    }
    this.begin(reply);
    this.#body!.push(body);
    this.end();
  }

  fail(error: Error): void {
    this.ending.over();
    if (this.#body === undefined) this.ending.reject(error);
    else this.#body.destroy(error);
  }

  dropped(): void {
    this.ending.over();
  }

  leave(error: Error): void {
    this.ending.reject(error);
    if (this.#body === undefined) this.exchange?.abandon();
    else this.#body.destroy(error);
  }

  begin({ status, headers }: ReplyHead): void {
    this.#body = new ReplyBody(() => this.exchange?.abandon());
    this.ending.fulfil({ status, headers: headersOf(headers), body: this.#body });
  }

  write(part: Buffer, drained: () => void): boolean {
    return this.#body!.bring(part, drained);
  }

  end(): void {
    this.ending.over();
    this.#body!.push(null);
  }
}

/** The body of a reply as a stream. Whoever destroys it waits for the reply no longer. */
class ReplyBody extends Readable {
  #drained: (() => void)[] = [];

  constructor(private readonly leave: () => void) {
    super();
    // One that nobody listens to yet, or ever, keeps its error for whoever reads it, and ends nobody's program.
    this.on('error', () => undefined);
  }

  /** @returns whether it takes more; else `drained` is called when it does */
  bring(part: Buffer, drained: () => void): boolean {
    if (part.length === 0 || this.destroyed || this.push(part)) return true;
    this.#drained.push(drained);
    return false;
  }

  override _read(): void {
    for (const drained of this.#drained.splice(0)) drained();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.leave();
    this._read();
    done(error);
  }
}

/** The bytes of a reply in memory of their own; null where there is none for them. */
function ownBytesOf({ body, release }: Reply): Buffer | null {
  try {
    if (typeof body === 'string') return Buffer.from(body, 'latin1');
    return release === undefined ? body : Buffer.from(body);
  } catch {
    return null;
  } finally {
    release?.();
  }
}

function headersOf(list: readonly string[]): Record<string, string | string[]> {
  const headers = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!.toLowerCase();
    const value = list[i + 1]!;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
