import type { BodySource } from './body-source';

/**
 * Since when a handler is awaited that replies, or takes its request's body, in parts. While it waits itself, for its client to take
 * what it has written or to send what it reads, no time passes for it.
 */
export class PartClock {
  #since = performance.now();
  #waits = 0;

  /** Since when, in milliseconds of performance.now(). @param now the present, which it is while the handler waits */
  since(now: number): number {
    return this.#waits > 0 ? now : this.#since;
  }

  /** The handler has done something. */
  turn(): void {
    this.#since = performance.now();
  }

  /** It waits for its client, until {@link goOn}. */
  wait(): void {
    this.#waits++;
  }

  goOn(): void {
    this.#waits--;
    this.turn();
  }
}

/** A body whose handler need not hurry while it waits for it. */
export class ClockedBody implements BodySource {
  constructor(
    private readonly body: BodySource,
    private readonly clock: PartClock,
  ) {}

  async next(): Promise<Buffer | null> {
    this.clock.wait();
    try {
      return await this.body.next();
    } finally {
      this.clock.goOn();
    }
  }
}
