/** Microseconds that are waited at most. */
const LIMIT = 30;
/** Turns of the event loop with one call each, after which the next is expected to be alone, too. */
const ALONE = 16;
/** In time so many times, calls may once be waited for in vain: that costs several times what the others save. */
const PRICE = 8;
/** What may be saved up for vain waits. */
const MOST_CREDIT = 2 * PRICE;
/** Calls for which nothing is waited once that did not pay. */
const PAUSE = 256;

/**
 * Whether a call that is alone is to be waited for actively, which saves a sleep and a waking where it is brief. Learned: calls must have
 * been alone for some turns of the event loop, and nearly all waits must be worth it; else there is a pause.
 */
export class Vigil {
  /** Microseconds to wait. */
  readonly limit = LIMIT;
  #alone = 0;
  #credit = 0;
  #left = 0;

  /** A call is made, the first of its turn: whether to wait for it. */
  begins(): boolean {
    if (this.#alone < ALONE) return false;
    if (this.#left === 0) return true;
    this.#left--;
    return false;
  }

  /** The turn of such a call, for which nothing was waited, is over. */
  turned(wasAlone: boolean): void {
    this.#alone = wasAlone ? Math.min(this.#alone + 1, ALONE) : 0;
  }

  /** It was waited for. */
  ended(hasCome: boolean): void {
    this.#credit = Math.min(this.#credit + (hasCome ? 1 : -PRICE), MOST_CREDIT);
    if (this.#credit >= 0) return;
    this.#credit = 0;
    this.#left = PAUSE;
  }
}
