import type { Exchange } from '../../plugin/exchange';

export interface QuarantineLimits {
  /** The share of calls that must fault, from 0 to 1. */
  readonly faultshare: number;
  /** The least number of calls that say something. */
  readonly faultcalls: number;
  /** Milliseconds in which calls are counted. */
  readonly crashwindow: number;
  /** Milliseconds of rest. */
  readonly rest: number;
}

/** A handler that rests, or that one call tries. */
export interface Resting {
  /** In the window, when it began. */
  readonly calls: number;
  readonly faults: number;
  /** Milliseconds. */
  readonly left: number;
}

interface Patient {
  readonly calls: number;
  readonly faults: number;
  readonly until: number;
  trial: Exchange | null;
}

/** Parts of the window: one after the other is forgotten. */
const BUCKETS = 10;

/**
 * Which handlers of a plugin rest, because most of their calls crash or hang. A rest is followed by trials, one call at a time, until
 * one of them says how it is. What is counted of a call costs an addition.
 */
export class Quarantine {
  readonly #handlers: number;
  /** A number for each handler, in each bucket. */
  readonly #calls: Uint32Array;
  readonly #faults: Uint32Array;
  readonly #patients = new Map<number, Patient>();
  /** Where the current bucket begins, and when it ends. */
  #base = 0;
  #end: number;

  /**
   * @param handlers how many there are
   * @param now the clock, in milliseconds
   */
  constructor(
    handlers: number,
    private readonly limits: QuarantineLimits,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#handlers = handlers;
    this.#calls = new Uint32Array(handlers * BUCKETS);
    this.#faults = new Uint32Array(handlers * BUCKETS);
    this.#end = now() + this.#length;
  }

  /** Whether no handler rests. */
  get isEmpty(): boolean {
    return this.#patients.size === 0;
  }

  get #length(): number {
    return this.limits.crashwindow / BUCKETS;
  }

  /** A call was answered. @returns whether its handler is well again by that */
  answered(exchange: Exchange): boolean {
    const { index } = exchange.handler;
    this.#calls[this.#base + index]!++;
    if (this.#patients.size === 0 || this.#patients.get(index)?.trial !== exchange) return false;
    this.#recover(index);
    return true;
  }

  /** A call of a handler crashed or hung. @returns whether that begins to rest by it */
  faulted(index: number): boolean {
    this.pass();
    this.#calls[this.#base + index]!++;
    this.#faults[this.#base + index]!++;
    const calls = this.#sum(this.#calls, index);
    const faults = this.#sum(this.#faults, index);
    const before = this.#patients.get(index);
    // A call that had begun before it rested tells nothing new.
    if (before !== undefined && before.trial === null) return false;
    if (before === undefined && (calls < this.limits.faultcalls || faults < this.limits.faultshare * calls)) return false;
    this.#patients.set(index, { calls, faults, until: this.now() + this.limits.rest, trial: null });
    return true;
  }

  /** A call has come to an end that says nothing of its handler: where it was a trial, another may try. */
  dropped(exchange: Exchange): void {
    const patient = this.#patients.get(exchange.handler.index);
    if (patient?.trial === exchange) patient.trial = null;
  }

  /** To be called now and then while there are calls: lets go of what was too long ago. */
  pass(): void {
    const now = this.now();
    for (let passed = 0; now >= this.#end && passed < BUCKETS; passed++) {
      this.#base = (this.#base + this.#handlers) % this.#calls.length || 0;
      this.#calls.fill(0, this.#base, this.#base + this.#handlers);
      this.#faults.fill(0, this.#base, this.#base + this.#handlers);
      this.#end += this.#length;
    }
    if (now >= this.#end) this.#end = now + this.#length;
  }

  /** How a handler rests; undefined where it does not. */
  restOf(index: number): Resting | undefined {
    const patient = this.#patients.get(index);
    return patient && { calls: patient.calls, faults: patient.faults, left: Math.max(0, patient.until - this.now()) };
  }

  /** Whether the handler of this call rests, and another one tries it, if any. */
  holds(exchange: Exchange): boolean {
    const patient = this.#patients.get(exchange.handler.index);
    return patient !== undefined && patient.trial !== exchange;
  }

  /** Whether this call may try a handler that rests: it is the only one then, until it was answered, faulted or dropped. */
  admits(exchange: Exchange): boolean {
    const patient = this.#patients.get(exchange.handler.index);
    if (patient === undefined || patient.trial === exchange) return true;
    if (patient.trial !== null || patient.until > this.now()) return false;
    patient.trial = exchange;
    return true;
  }

  #recover(index: number): void {
    this.#patients.delete(index);
    for (let at = index; at < this.#calls.length; at += this.#handlers) this.#calls[at] = this.#faults[at] = 0;
  }

  #sum(counts: Uint32Array, index: number): number {
    let sum = 0;
    for (let at = index; at < counts.length; at += this.#handlers) sum += counts[at]!;
    return sum;
  }
}
