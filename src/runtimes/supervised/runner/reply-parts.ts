import { DlserveError } from '../../../ground/errors';
import type { Exchange } from '../../../plugin/exchange';
import type { RawHead } from '../../../plugin/reply';
import { MOST_CHUNK, ProtocolError, WINDOW } from './protocol';

/** What was taken is told when it is so much more than before. */
const TOLD = WINDOW / 4;

/** A view of less than this share of its buffer is copied, so that a slow client does not keep the rest of it in memory. */
const SHARE = 2;

/** A reply that comes in parts, on its way from a runner to its client. What the client does not take yet waits here, a window at most. */
export class ReplyParts {
  /** Status and headers have come. */
  hasBegun = false;
  /** Bytes that the client has taken. */
  taken = 0;
  private given = 0;
  private told = 0;
  private waiting: Buffer[] = [];
  private isFull = false;

  /** @param tell is told that the client has taken more */
  constructor(
    private readonly exchange: Exchange,
    private readonly tell: () => void,
  ) {}

  /** The client does not take what there is for it. */
  get isStuck(): boolean {
    return this.isFull;
  }

  /** @throws ProtocolError */
  begin(head: RawHead): void {
    if (this.hasBegun) throw new ProtocolError('a second HEAD of one reply');
    this.hasBegun = true;
    this.exchange.begin(head);
  }

  /**
   * The next bytes.
   * @param part a view of the buffer in which it came
   * @throws ProtocolError
   */
  write(part: Buffer): void {
    if (!this.hasBegun) throw new ProtocolError('a part of a reply without its HEAD');
    this.given += part.length;
    if (this.given - this.told > WINDOW + MOST_CHUNK) throw new ProtocolError('more of a reply than its client has taken');
    const own = part.length * SHARE < part.buffer.byteLength ? Buffer.from(part) : part;
    if (this.isFull && this.exchange.isAwaited) this.waiting.push(own);
    else this.pass(own);
  }

  /** @returns whether the client takes more at once */
  private pass(part: Buffer): boolean {
    this.isFull = !this.exchange.write(part, () => this.drained());
    if (!this.isFull) this.took();
    return !this.isFull;
  }

  private drained(): void {
    this.isFull = false;
    let takesMore = true;
    while (takesMore && this.waiting.length > 0) takesMore = this.pass(this.waiting.shift()!);
    if (takesMore) this.took();
  }

  private took(): void {
    this.taken = this.given - this.waiting.reduce((sum, { length }) => sum + length, 0);
    if (this.taken - this.told < TOLD) return;
    this.told = this.taken;
    this.tell();
  }

  /** There will be no more of it: what waits is given to the client, whether or not it takes more at once. */
  flush(): void {
    for (const part of this.waiting.splice(0)) if (this.exchange.isAwaited) this.exchange.write(part, () => undefined);
  }

  /** The reply has come to its end. */
  end(isBroken: boolean): void {
    this.flush();
    if (isBroken) this.exchange.fail(new DlserveError('STREAM_BROKEN', { symbol: this.exchange.handler.symbol }));
    else this.exchange.end();
  }
}
