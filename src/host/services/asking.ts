import type { Exchange } from '../../plugin/exchange';
import { AskError } from './ask-error';

/** Bytes that the params of a question may have, and its answer. */
export const MOST_BYTES = 16 * 1024 * 1024;

/** One question of a plugin's. */
export class Asking {
  readonly #controller = new AbortController();

  /** @param exchange the call whose handler asks */
  constructor(readonly exchange: Exchange) {}

  /** Aborts when the call has ended, or its time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** When that is at the latest, in milliseconds of performance.now(). */
  get endsAt(): number {
    return this.exchange.endsAt;
  }

  /**
   * What work comes to, as long as somebody waits for it.
   * @throws AskError GONE when nobody does any more; and what the work throws
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    let release: (() => void) | undefined;
    const gone = new Promise<never>((_, reject) => {
      release = this.exchange.onceSettled(() => {
        const over = AskError.of('GONE');
        reject(over);
        this.#controller.abort(over);
      });
    });
    gone.catch(() => undefined);
    try {
      return await Promise.race([gone, this.signal.aborted ? gone : work()]);
    } finally {
      release?.();
    }
  }
}
