import type { ServerResponse } from 'node:http';
import type { Budget } from './body-budget';

/** The parts of a reply on their way to its client, each of which leaves at once. */
export class Parts {
  /** Whoever waits until more can be written. */
  #waiting: (() => void)[] = [];
  /** Bytes that wait for the client, taken from the budget. */
  #unsent = 0;
  #hearsDrain = false;

  constructor(
    private readonly res: ServerResponse,
    private readonly budget: Budget,
  ) {}

  /** @returns whether there is room for more; else `drained` is called when there is, or when the client has left */
  write(part: Buffer, drained: () => void): boolean {
    const takesMore = this.#send(part);
    // Middleware that compresses keeps small parts back, until it is told.
    (this.res as { flush?: () => void }).flush?.();
    if (takesMore) return true;
    this.budget.count(part.length);
    this.#unsent += part.length;
    this.#waiting.push(drained);
    // Once for all: such middleware hears of listeners, and not that they are removed.
    if (!this.#hearsDrain) this.res.on('drain', () => this.release());
    this.#hearsDrain = true;
    return false;
  }

  #send(part: Buffer): boolean {
    if (part.length > 0) return this.res.write(part);
    this.res.flushHeaders();
    return true;
  }

  /** The client has taken all of it, or never will. */
  release(): void {
    this.budget.give(this.#unsent);
    this.#unsent = 0;
    for (const drained of this.#waiting.splice(0)) drained();
  }
}
