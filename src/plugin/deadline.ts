import ms from 'ms';
import { DlserveError } from '../ground/errors';

/** When a call is given up, and how long it had. */
export class Deadline {
  /**
   * @param at in milliseconds of performance.now()
   * @param limit milliseconds that it had, for the words of a TIMEOUT
   */
  constructor(
    readonly at: number,
    readonly limit: number,
  ) {}

  /** So many milliseconds from now. */
  static after(limit: number): Deadline {
    return new Deadline(performance.now() + limit, limit);
  }

  /** Milliseconds that are left; below 0 once it has passed. */
  get left(): number {
    return this.at - performance.now();
  }

  /** The error of a call that has not come back in time. */
  exceeded(symbol: string, plugin: string): DlserveError {
    return new DlserveError('TIMEOUT', { symbol, plugin, timeout: this.limit });
  }
}

/**
 * A duration as a client writes it in X-Dlserve-Timeout: a number and `ms`, `s` or `m`.
 * @returns milliseconds; undefined for anything else
 */
export function parseTimeout(text: string): number | undefined {
  return /^\d+(\.\d+)?(ms|s|m)$/.test(text) ? ms(text as ms.StringValue) : undefined;
}
