/** Microseconds that are waited at most. */
const LIMIT = 50;
/** Turns of the event loop with one call each, after which the next is expected to be alone, too. */
const ALONE = 4;
/** Calls for which nothing is waited after many vain waits. */
const LONGEST_PAUSE = 1024;

/**
 * Whether a call that is alone is to be waited for actively, which saves a sleep and a waking where it is brief. Learned: calls must have
 * been alone for some turns of the event loop, and each vain wait doubles the calls that are not waited for afterwards.
 */
export class Vigil {
  /** Microseconds to wait. */
  readonly limit = LIMIT;
  #alone = 0;
  #pause = 0;
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
    if (hasCome) {
      this.#pause >>= 1;
    } else {
      this.#pause = Math.min(this.#pause * 2 + 1, LONGEST_PAUSE);
      this.#left = this.#pause;
    }
  }
}
