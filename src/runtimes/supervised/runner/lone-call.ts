import { Vigil } from '../../../ground/vigil';

/**
 * Waits actively until something happens to the event loop, for so many microseconds at most.
 * @returns whether it did
 */
export type AwaitEvent = (microseconds: number) => boolean;

/** Waits for the reply to a call that is alone, before the event loop would sleep for it. */
export class LoneCall {
  readonly #vigil = new Vigil();
  #isAlone = false;
  #isScheduled = false;

  constructor(private readonly awaitEvent: AwaitEvent) {}

  /** A call is on its way, and nothing else. */
  begins(): void {
    this.#isAlone = true;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#wait);
  }

  /** Another one is on its way, too. */
  isJoined(): void {
    this.#isAlone = false;
  }

  /** By then its turn of the event loop has done all else. */
  readonly #wait = (): void => {
    this.#isScheduled = false;
    if (this.#isAlone && this.#vigil.begins()) this.#vigil.ended(this.awaitEvent(this.#vigil.limit));
    else this.#vigil.turned(this.#isAlone);
  };
}
