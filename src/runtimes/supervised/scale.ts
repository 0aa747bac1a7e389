import type { Range } from '../../ground/value-types';
import type { Worker } from './worker';

export interface ScaleLimits {
  /** Of processes. */
  readonly workers: Range;
  /** Milliseconds that calls wait before there is one more. */
  readonly scaleafter: number;
  /** Milliseconds that a process above the least has nothing to do before there is one less. */
  readonly scaleidle: number;
}

/** Milliseconds until it is tried again where one more could not be had. */
const PAUSE = 5000;

/** How many workers a plugin should have. */
export class Scale {
  /** So many. */
  wanted: number;
  /** How many calls will have left the queue when all are through that wait now, and since when they do. */
  #mark: number | null = null;
  #since = 0;
  #notBefore = 0;
  /** What each worker had been given when it was seen at work last, and when that was. */
  readonly #seen = new WeakMap<Worker, { given: number; since: number }>();

  /** @param now the clock, in milliseconds */
  constructor(
    private readonly limits: ScaleLimits,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.wanted = limits.workers.least;
  }

  /**
   * To be called at regular times while calls are open.
   * @param waiting calls in the queue
   * @param through calls that have left it, ever
   * @param isOpening whether a worker is being opened
   * @returns whether one more is wanted now
   */
  look(waiting: number, through: number, isOpening: boolean): boolean {
    const now = this.now();
    if (waiting === 0 || isOpening || this.wanted >= this.limits.workers.most || now < this.#notBefore) {
      this.#mark = null;
      return false;
    }
    if (this.#mark === null || through >= this.#mark) {
      this.#mark = through + waiting;
      this.#since = now;
      return false;
    }
    if (now - this.#since < this.limits.scaleafter) return false;
    this.#mark = null;
    this.wanted++;
    return true;
  }

  /** One more could not be had. */
  refused(): void {
    if (this.wanted === this.limits.workers.least) return;
    this.wanted--;
    this.#notBefore = this.now() + PAUSE;
  }

  /**
   * To be called at regular times.
   * @returns one that is too many, which is not wanted any more
   */
  idle(workers: readonly Worker[]): Worker | undefined {
    const now = this.now();
    const idle = workers.filter((worker) => this.#isIdle(worker, now));
    if (this.wanted <= this.limits.workers.least || workers.length < this.wanted) return undefined;
    const last = idle.at(-1);
    if (last !== undefined) this.wanted--;
    return last;
  }

  #isIdle(worker: Worker, now: number): boolean {
    const seen = this.#seen.get(worker);
    if (seen === undefined || worker.load + worker.kept > 0 || seen.given !== worker.given) {
      this.#seen.set(worker, { given: worker.given, since: now });
      return false;
    }
    return worker.state === 'ready' && now - seen.since >= this.limits.scaleidle;
  }
}
