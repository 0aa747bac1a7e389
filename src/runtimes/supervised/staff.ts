import type { Conditions } from '../../ground/waiting';
import type { Exchange } from '../../plugin/exchange';
import type { Ending, Worker } from './worker';

/** Milliseconds that a worker has to end which is one too many. */
const STOP_LIMIT = 10_000;

/** Milliseconds from SIGTERM to SIGKILL. */
const TERMINATE_GRACE = 500;

/** After how many looks without progress a worker is given up. */
const STALLED = 4;

/** The workers that a plugin has. */
export class Staff {
  /** Those that take calls, or soon will. */
  workers: readonly Worker[] = [];
  /** Those that only finish what they have. */
  readonly #leaving = new Set<Worker>();

  /** Calls that the workers have. */
  get load(): number {
    let count = 0;
    for (const worker of this.workers) count += worker.load;
    for (const worker of this.#leaving) count += worker.load;
    return count;
  }

  /** Calls that go on in them although their handlers have returned. */
  get kept(): number {
    return this.all().reduce((sum, { kept }) => sum + kept, 0);
  }

  get processes(): number[] {
    return this.all().flatMap(({ pid }) => (pid === null ? [] : [pid]));
  }

  /** Whether one of them is open. */
  get isOpen(): boolean {
    return this.workers.some(({ state }) => state === 'ready');
  }

  all(): Worker[] {
    return [...this.workers, ...this.#leaving];
  }

  /** Adds one that is being opened. */
  add(worker: Worker): void {
    this.workers = [...this.workers, worker];
  }

  /** It takes no more calls, and finishes what it has. */
  leave(worker: Worker): void {
    this.workers = this.workers.filter((other) => other !== worker);
    this.#leaving.add(worker);
  }

  /** It has ended. */
  remove(worker: Worker): void {
    this.workers = this.workers.filter((other) => other !== worker);
    this.#leaving.delete(worker);
  }

  /** Has one that is open finish what it has, and stop. */
  dismiss(worker: Worker): void {
    this.leave(worker);
    worker.stop();
    setTimeout(() => worker.state === 'dead' || worker.kill('close'), STOP_LIMIT).unref();
  }

  /** Ends all. */
  kill(ending: Ending): void {
    for (const worker of this.all()) worker.kill(ending);
  }

  /** To be called at regular times while there are calls. */
  checkStalls(): void {
    for (const worker of this.all()) if (worker.checkStall() >= STALLED) worker.kill('stall');
  }

  /**
   * Calls that all together execute at once.
   * @param wanted how many workers there should be: one that is missing will be as good as another
   * @param usual calls that one executes at once
   */
  capacity(wanted: number, usual: number): number {
    const open = this.workers.filter(({ concurrency }) => concurrency > 0);
    const missing = Math.max(0, wanted - open.length);
    return open.reduce((sum, { concurrency }) => sum + concurrency, missing * usual);
  }

  /** See {@link Worker.begunAt}. */
  begunAt(exchange: Exchange): number | undefined {
    for (const worker of this.all()) {
      const at = worker.begunAt(exchange);
      if (at !== undefined) return at;
    }
    return undefined;
  }

  /** @returns whether one of them had the call and will never begin it */
  withdraw(exchange: Exchange): boolean {
    return this.all().some((worker) => worker.withdraw(exchange));
  }

  /** The call, which is in some worker, is past its timeout. */
  expire(exchange: Exchange): void {
    this.all().some((worker) => worker.expire(exchange));
  }

  /**
   * Stops all: politely, then by SIGTERM, then by force.
   * @param limit milliseconds to the first force
   * @param conditions told when one has ended
   */
  async close(limit: number, conditions: Conditions): Promise<void> {
    for (const worker of this.all()) {
      if (worker.state === 'ready') worker.stop();
      // One that still opens its library is stopped after that.
      else if (worker.state !== 'opening') worker.kill('close');
    }
    const isEmpty = (): boolean => this.workers.length === 0 && this.#leaving.size === 0;
    if (await conditions.until(isEmpty, limit)) return;
    for (const worker of this.all()) worker.terminate();
    if (await conditions.until(isEmpty, TERMINATE_GRACE)) return;
    this.kill('close');
    await conditions.until(isEmpty, Infinity);
  }
}
