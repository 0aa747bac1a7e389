import type { Worker } from './worker';

/** Milliseconds between two looks: so long nothing may begin in a worker while calls wait in it. */
export const PACE = 10;

/**
 * In which workers nothing begins although calls wait there: all that they execute is slow, or hangs. What waits in them is taken back,
 * for the first worker that becomes free, and they get no more than they can execute until something begins there again.
 */
export class Pace {
  readonly slow = new Set<Worker>();
  readonly #begun = new WeakMap<Worker, number>();

  /**
   * To be called at regular times while there are calls.
   * @returns those in which calls wait behind slow ones
   */
  look(workers: readonly Worker[]): Worker[] {
    return workers.filter((worker) => worker.load > 0 && this.#isStuck(worker));
  }

  #isStuck(worker: Worker): boolean {
    const { begun, given } = worker;
    const before = this.#begun.get(worker);
    this.#begun.set(worker, begun);
    if (begun !== before) this.slow.delete(worker);
    const isStuck = begun === before && given > begun;
    if (isStuck) this.slow.add(worker);
    return isStuck;
  }

  /** It takes no more calls. */
  forget(worker: Worker): void {
    this.slow.delete(worker);
  }
}
