import { DlserveError } from '../ground/errors';
import type { Exchange } from '../plugin/exchange';

/** The calls of a generation that come in parts: as long as it answers they may last as long as they like. */
export class Streams {
  readonly #all = new Set<Exchange>();
  #bound: { readonly time: number; readonly grace: number } | undefined;

  add(exchange: Exchange): void {
    if (this.#all.has(exchange)) return;
    this.#all.add(exchange);
    this.#limit(exchange);
  }

  delete(exchange: Exchange): void {
    this.#all.delete(exchange);
  }

  /**
   * From now on each has so long: then its handler hears that nobody waits any more, and after the grace it is cut off.
   * @param time milliseconds
   * @param grace milliseconds
   */
  bound(time: number, grace: number): void {
    this.#bound = { time, grace };
    for (const exchange of this.#all) this.#limit(exchange);
  }

  #limit(exchange: Exchange): void {
    if (this.#bound === undefined) return;
    const { time, grace } = this.#bound;
    setTimeout(() => {
      if (!this.#all.has(exchange)) return;
      // One that waits for its turn has all of the time from then on.
      if (exchange.cancel()) setTimeout(() => this.#cut(exchange), grace).unref();
      else this.#limit(exchange);
    }, time).unref();
  }

  #cut(exchange: Exchange): void {
    if (this.#all.has(exchange)) exchange.fail(new DlserveError('STOPPING'));
  }
}
