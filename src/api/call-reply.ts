import { Readable } from 'node:stream';
import { DlserveError } from '../ground/errors';
import type { Exchange } from '../plugin/exchange';
import type { Recipient } from '../plugin/recipient';
import { MAX_REPLY, type Reply, type ReplyHead } from '../plugin/reply';
import { headersOf, ownBytesOf, ReplyCollector, type CallEnd, type ReadReply } from '../plugin/reply-collector';

/** What a handler answers. */
export type CallReply<Body = Buffer> = ReadReply<Body>;

/** A recipient that can be told to wait no longer. */
export interface Caller extends Recipient {
  exchange: Exchange | undefined;
  /** Nobody waits any more. @param error why, for whoever did */
  leave(error: Error): void;
}

/** Waits for a reply as a whole. */
export function collectingCaller(ending: CallEnd): Caller {
  const symbol = (): string => caller.exchange?.handler.symbol ?? '';
  const caller = new ReplyCollector(ending, MAX_REPLY, (length) => new DlserveError('REPLY_TOO_LARGE', { symbol: symbol(), length, limit: MAX_REPLY }));
  return caller;
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
