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

/** Numbers of one handler, in each bucket. */
interface Counts {
  readonly calls: Uint32Array;
  readonly faults: Uint32Array;
}

function noCounts(): Counts {
  return { calls: new Uint32Array(BUCKETS), faults: new Uint32Array(BUCKETS) };
}

/**
 * Which handlers of a plugin rest, because most of their calls crash or hang. What a route of the plugin's own leads to counts as a handler
 * for itself: of a library in Go, all of them lead to one function. A rest is followed by trials, one call at a time, until one of them
 * says how it is. What is counted of a call costs an addition.
 */
export class Quarantine {
  /** By the places of handlers, then of routes. */
  readonly #counts: Counts[];
  readonly #routes = new Map<string, number>();
  readonly #patients = new Map<number, Patient>();
  /** The current bucket, and when it ends. */
  #bucket = 0;
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
    this.#counts = Array.from({ length: handlers }, noCounts);
    this.#end = now() + this.#length;
  }

  /** Whether no handler rests. */
  get isEmpty(): boolean {
    return this.#patients.size === 0;
  }

  get #length(): number {
    return this.limits.crashwindow / BUCKETS;
  }

  #placeOf({ handler, request: { route } }: Exchange): number {
    if (route === undefined) return handler.index;
    const known = this.#routes.get(route.title);
    if (known !== undefined) return known;
    const place = this.#counts.push(noCounts()) - 1;
    this.#routes.set(route.title, place);
    return place;
  }

  /** A call was answered. @returns whether its handler is well again by that */
  answered(exchange: Exchange): boolean {
    const place = this.#placeOf(exchange);
    this.#counts[place]!.calls[this.#bucket]!++;
    if (this.#patients.size === 0 || this.#patients.get(place)?.trial !== exchange) return false;
    this.#patients.delete(place);
    this.#counts[place] = noCounts();
    return true;
  }

  /**
   * A call crashed or hung.
   * @param handler the place of its handler
   * @param call undefined where it was answered by then
   * @returns whether the handler begins to rest by it
   */
  faulted(handler: number, call?: Exchange): boolean {
    this.pass();
    const place = call === undefined ? handler : this.#placeOf(call);
    const counts = this.#counts[place]!;
    counts.calls[this.#bucket]!++;
    counts.faults[this.#bucket]!++;
    const calls = sum(counts.calls);
    const faults = sum(counts.faults);
    const before = this.#patients.get(place);
    // A call that had begun before it rested tells nothing new.
    if (before !== undefined && (before.trial === null || before.trial !== call)) return false;
    if (before === undefined && (calls < this.limits.faultcalls || faults < this.limits.faultshare * calls)) return false;
    this.#patients.set(place, { calls, faults, until: this.now() + this.limits.rest, trial: null });
    return true;
  }

  /** A call has come to an end that says nothing of its handler: where it was a trial, another may try. */
  dropped(exchange: Exchange): void {
    const patient = this.#patients.get(this.#placeOf(exchange));
    if (patient?.trial === exchange) patient.trial = null;
  }

  /** To be called now and then while there are calls: lets go of what was too long ago. */
  pass(): void {
    const now = this.now();
    for (let passed = 0; now >= this.#end && passed < BUCKETS; passed++) {
      this.#bucket = (this.#bucket + 1) % BUCKETS;
      for (const { calls, faults } of this.#counts) calls[this.#bucket] = faults[this.#bucket] = 0;
      this.#end += this.#length;
    }
    if (now >= this.#end) this.#end = now + this.#length;
  }

  /** How the handler of a call rests; undefined where it does not. */
  restOf(handler: number, call?: Exchange): Resting | undefined {
    const patient = this.#patients.get(call === undefined ? handler : this.#placeOf(call));
    return patient && { calls: patient.calls, faults: patient.faults, left: Math.max(0, patient.until - this.now()) };
  }

  /** Whether the handler of this call rests, and another one tries it, if any. */
  holds(exchange: Exchange): boolean {
    const patient = this.#patients.get(this.#placeOf(exchange));
    return patient !== undefined && patient.trial !== exchange;
  }

  /** Whether this call may try a handler that rests: it is the only one then, until it was answered, faulted or dropped. */
  admits(exchange: Exchange): boolean {
    const patient = this.#patients.get(this.#placeOf(exchange));
    if (patient === undefined || patient.trial === exchange) return true;
    if (patient.trial !== null || patient.until > this.now()) return false;
    patient.trial = exchange;
    return true;
  }
}

function sum(counts: Uint32Array): number {
  return counts.reduce((all, count) => all + count, 0);
}
