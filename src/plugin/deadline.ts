import ms from 'ms';
import { DlserveError } from '../ground/errors';

/** When a client stops waiting, and how long it would. */
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

/** How long the calls of a plugin may take, in milliseconds. */
export interface TimeSettings {
  /** In the handler. */
  readonly timeout: number;
  /** Before that. */
  readonly queueTimeout: number;
  /** From one part of a reply to the next; 0 is no limit. Absent: as long as in the handler. */
  readonly partTimeout?: number | undefined;
}

/** How long a call may wait for its turn, and how long it may be in its handler then. Times are those of performance.now(). */
export class TimeLimits {
  #arrival = performance.now();

  /** @param own the client's deadline; undefined where it has none */
  constructor(
    private readonly settings: TimeSettings,
    readonly own: Deadline | undefined,
  ) {}

  /** When the call came, or was to be made again. */
  get arrival(): number {
    return this.#arrival;
  }

  /** The call is made again, from now on: it may wait and run as one that has just come. */
  restart(): void {
    this.#arrival = performance.now();
  }

  /** Milliseconds in the handler. */
  get timeout(): number {
    return this.settings.timeout;
  }

  /** Milliseconds from one part of a reply to the next; Infinity where there is no limit. */
  get partTimeout(): number {
    const { partTimeout = this.timeout } = this.settings;
    return partTimeout === 0 ? Infinity : partTimeout;
  }

  /** When its client stops waiting; Infinity where it never does. */
  get ownAt(): number {
    return this.own === undefined ? Infinity : this.own.at;
  }

  /** Until when it must have begun. */
  get beginBy(): number {
    return Math.min(this.arrival + this.settings.queueTimeout, this.ownAt);
  }

  /** The first moment at which one of the limits can be reached. */
  get soonest(): number {
    return Math.min(this.beginBy, this.arrival + this.settings.timeout);
  }

  /** When the host stops waiting for a call that begins now. */
  get end(): number {
    return Math.min(performance.now() + this.settings.timeout, this.ownAt);
  }

  /** The error of a call that has not begun in time. */
  waited(symbol: string, plugin: string): DlserveError {
    const { own, arrival, settings: { queueTimeout: timeout } } = this;
    if (own !== undefined && own.at < arrival + timeout) return own.exceeded(symbol, plugin);
    return new DlserveError('QUEUE_TIMEOUT', { symbol, plugin, timeout });
  }

  /** The error of one that was in its handler for too long. @param timeout milliseconds, where it is another one's */
  exceeded(symbol: string, plugin: string, timeout = this.timeout): DlserveError {
    return new DlserveError('TIMEOUT', { symbol, plugin, timeout });
  }
}

/**
 * A duration as a client writes it in X-Dlserve-Timeout: a number and `ms`, `s` or `m`.
 * @returns milliseconds; undefined for anything else
 */
export function parseTimeout(text: string): number | undefined {
  return /^\d+(\.\d+)?(ms|s|m)$/.test(text) ? ms(text as ms.StringValue) : undefined;
}
