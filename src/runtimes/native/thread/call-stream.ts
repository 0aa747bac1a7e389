import type { Exchange } from '../../../plugin/exchange';
import { headersTooLarge } from '../../../plugin/reply-headers';
import { Outcome, PIECE_COST, type Addon, type Body } from '../addon';
import type { NativeSource } from '../keys';
import { logLost } from '../lost-lines';
import { internal } from '../refusals';

const NOTHING = Buffer.alloc(0);

/** What an event of the addon says, see {@link Outcome}. */
export interface CallEvent {
  readonly outcome: number;
  readonly status: number;
  readonly body: Body;
  readonly headers: string | null;
}

/** What the handler of one call says while the call goes on, and what it is told. */
export class CallStream {
  #isOver = false;
  /** What was sent of its reply and is still to be taken, as the addon counts it. */
  #owed = 0;

  constructor(
    private readonly source: NativeSource,
    private readonly addon: Addon,
    private readonly lane: number,
    private readonly slot: number,
    private readonly exchange: Exchange,
  ) {}

  /** The call has come to its end: its slot is another's. */
  over(): void {
    this.#isOver = true;
  }

  /** An event of the addon; not one of those that end the call. */
  heard({ outcome, status, body, headers }: CallEvent): void {
    const { exchange, source } = this;
    switch (outcome) {
      case Outcome.HEAD:
        exchange.begin({ status, headers });
        this.#part(bytesOf(body));
        return;
      case Outcome.CHUNK:
        this.#part(bytesOf(body));
        return;
      case Outcome.HEADERS_REFUSED:
        exchange.fail(headersTooLarge(exchange.handler.symbol, body as number));
        return;
      case Outcome.WANT:
        void this.#feed();
        return;
      case Outcome.ASK:
        void this.#ask(Buffer.from(headers!, 'latin1').toString(), body === null ? 'null' : bytesOf(body).toString());
        return;
      case Outcome.LOG:
        source.services.log(exchange, status, bytesOf(body).toString());
        return;
      case Outcome.LOST_LINES:
        logLost(source, exchange, status);
        return;
      default:
        exchange.fail(internal(source, exchange, new Error('out of memory')));
        this.letGo();
    }
  }

  /** What the handler gave when it returned. */
  last(body: Body): void {
    const part = bytesOf(body);
    if (part.length > 0) this.exchange.write(part, () => undefined);
  }

  #part(part: Buffer): void {
    this.#owed += part.length + PIECE_COST;
    if (this.exchange.isSettled) this.letGo();
    else if (this.exchange.write(part, this.#taken)) this.#taken();
  }

  readonly #taken = (): void => {
    if (!this.#isOver) this.addon.credit(this.lane, this.slot, this.#owed);
    this.#owed = 0;
  };

  /** The handler hears that nobody waits any more. */
  letGo(): void {
    if (!this.#isOver) this.addon.withdraw(this.lane, this.slot, true);
  }

  /** Brings bytes of the request's body until the addon has enough. */
  async #feed(): Promise<void> {
    const { exchange, addon, lane, slot } = this;
    try {
      for (;;) {
        const part = await exchange.input!.next();
        if (this.#isOver) return;
        if (part === null) {
          addon.feedEnd(lane, slot, false);
          return;
        }
        if (!addon.feed(lane, slot, part)) return;
      }
    } catch {
      if (!this.#isOver) addon.feedEnd(lane, slot, true);
    }
  }

  async #ask(service: string, params: string): Promise<void> {
    const { isOk, json } = await this.source.services.ask(this.exchange, service, params);
    if (!this.#isOver) this.addon.answer(this.lane, this.slot, isOk, json);
  }
}

/** The addon gives short text as a string of ASCII characters. */
function bytesOf(body: Body): Buffer {
  if (typeof body === 'string') return Buffer.from(body, 'latin1');
  return Buffer.isBuffer(body) ? body : NOTHING;
}
