import type { DlserveError } from '../../ground/errors';
import type { Exchange } from '../../plugin/exchange';

/** Throws an error of others in a turn of the event loop of its own, where it keeps nobody from anything. */
export function surface(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** Fails calls, each by itself: whoever hears of one and throws harms no other. */
export function failAll(exchanges: readonly Exchange[], errorOf: (exchange: Exchange) => DlserveError): void {
  for (const exchange of exchanges) {
    try {
      exchange.fail(errorOf(exchange));
    } catch (error) {
      surface(error);
    }
  }
}
