import type { DlserveError } from '../../src/ground/errors';
import type { BodySource } from '../../src/plugin/body-source';
import { Deadline, TimeLimits } from '../../src/plugin/deadline';
import { Exchange } from '../../src/plugin/exchange';
import type { Recipient } from '../../src/plugin/recipient';
import type { Reply, ReplyHead } from '../../src/plugin/reply';
import type { Instance } from '../../src/plugin/runtime';
import { testRequest, type CallOptions } from './runtime';
import { until } from './until';

/** A client that takes a reply whole or in parts, and can be slow. */
export class StreamClient implements Recipient {
  head: ReplyHead | undefined;
  readonly parts: Buffer[] = [];
  whole: Reply | undefined;
  error: DlserveError | undefined;
  /** Nothing more will be heard. */
  isOver = false;
  #isSlow = false;
  #drained: (() => void)[] = [];

  get text(): string {
    return Buffer.concat(this.parts).toString();
  }

  get length(): number {
    return this.parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** From now on it takes nothing. */
  stall(): void {
    this.#isSlow = true;
  }

  goOn(): void {
    this.#isSlow = false;
    for (const drained of this.#drained.splice(0)) drained();
  }

  reply(reply: Reply): void {
    this.whole = reply;
    this.isOver = true;
  }

  fail(error: DlserveError): void {
    this.error = error;
    this.isOver = true;
  }

  begin(head: ReplyHead): void {
    this.head = head;
  }

  write(part: Buffer, drained: () => void): boolean {
    // The memory may be another's once it has been taken.
    this.parts.push(Buffer.from(part));
    if (this.#isSlow) this.#drained.push(drained);
    return !this.#isSlow;
  }

  end(): void {
    this.isOver = true;
  }

  dropped(): void {
    this.isOver = true;
  }
}

/** How a call is made, besides what {@link CallOptions} say. */
export interface StreamOptions extends CallOptions {
  readonly input?: BodySource;
  /** Milliseconds in the handler. */
  readonly timeout?: number;
}

/** Resolves when a client has heard all. */
export const over = (client: StreamClient): Promise<true> => until(() => client.isOver);

let calls = 0;

/** Calls a handler for a client. */
export function callStream(plugin: Instance, symbol: string, client: StreamClient, options: StreamOptions = {}): Exchange {
  const { body, query = '', input, timeout = 30_000, deadline, id } = options;
  const limits = new TimeLimits({ timeout, queueTimeout: 30_000 }, deadline === undefined ? undefined : new Deadline(deadline, 30_000));
  const handler = plugin.handlers.bySymbol(symbol)!;
  const exchange = new Exchange(testRequest(query), handler, body ?? null, limits, id ?? `stream-${++calls}`, client);
  exchange.input = input ?? null;
  exchange.enter(plugin, { left: () => undefined });
  return exchange;
}
