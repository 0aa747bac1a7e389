import type { DlserveError } from '../../../src/ground/errors';
import type { BodySource } from '../../../src/plugin/body-source';
import { Deadline, TimeLimits } from '../../../src/plugin/deadline';
import { Exchange } from '../../../src/plugin/exchange';
import type { Recipient } from '../../../src/plugin/recipient';
import type { Reply, ReplyHead } from '../../../src/plugin/reply';
import type { Instance } from '../../../src/plugin/runtime';
import { testRequest } from '../../support/runtime';
import { until } from '../../support/until';

/** What a test may say of a call whose reply may come in parts. */
export interface StreamOptions {
  readonly query?: string;
  readonly input?: BodySource;
  readonly body?: Buffer;
  readonly timeout?: number;
  readonly own?: number;
  /** The client takes one part, and no more until {@link Stream.goOn}. */
  readonly isSlow?: boolean;
}

let calls = 0;

/** One call, and what its client has heard. */
export class Stream implements Recipient {
  head: ReplyHead | undefined;
  readonly parts: Buffer[] = [];
  /** Parts that it was given before it took more. */
  ahead = 0;
  /** How it ended: "end", "reply", "dropped", or the code of an error. */
  ending: string | undefined;
  readonly exchange: Exchange;
  #drained: (() => void) | undefined;
  #isSlow: boolean;

  constructor(plugin: Instance, symbol: string, { query, input, body, timeout = 30_000, own, isSlow = false }: StreamOptions = {}) {
    this.#isSlow = isSlow;
    const limits = new TimeLimits({ timeout, queueTimeout: 30_000 }, own === undefined ? undefined : Deadline.after(own));
    this.exchange = new Exchange(testRequest(query), plugin.handlers.bySymbol(symbol)!, body ?? null, limits, `stream-${++calls}`, this);
    if (input !== undefined) this.exchange.input = input;
    this.exchange.enter(plugin, { left: () => undefined });
  }

  get text(): string {
    return Buffer.concat(this.parts).toString();
  }

  get length(): number {
    return this.parts.reduce((sum, { length }) => sum + length, 0);
  }

  /** Resolves with how it ended. */
  async ended(): Promise<string> {
    await until(() => this.ending !== undefined);
    return this.ending!;
  }

  /** The client takes more. */
  goOn(isSlow = false): void {
    this.#isSlow = isSlow;
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  // What the client hears.

  begin(head: ReplyHead): void {
    this.head = head;
  }

  write(part: Buffer, drained: () => void): boolean {
    if (this.ending !== undefined) throw new Error('a part after the end');
    if (this.#drained !== undefined) this.ahead++;
    this.parts.push(part);
    if (!this.#isSlow) return true;
    this.#drained = drained;
    return false;
  }

  reply(reply: Reply): void {
    this.parts.push(Buffer.from(reply.body as Buffer));
    this.#end('reply');
  }

  end(): void {
    this.#end('end');
  }

  fail({ code }: DlserveError): void {
    this.#end(code);
  }

  dropped(): void {
    this.#end('dropped');
  }

  #end(ending: string): void {
    if (this.ending !== undefined) throw new Error(`${ending} after ${this.ending}`);
    this.ending = ending;
  }
}
