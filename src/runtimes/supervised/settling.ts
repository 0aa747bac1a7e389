import type { DlserveError } from '../../ground/errors';
import { surface } from '../../ground/surface';
import type { Exchange } from '../../plugin/exchange';

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
