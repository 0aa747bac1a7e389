import type { Worker } from './worker';

/** Calls that a worker has at most, when it is the only one. */
const DEEP = 1024;
/**
 * With several workers, each gets the calls of about this many microseconds beyond those that it can execute at once: brief ones
 * never wait for the host, and nothing is behind a slow one that another worker could take.
 */
const AHEAD = 2000;
const MOST_AHEAD = 64;

const NONE: ReadonlySet<Worker> = new Set();

/**
 * The worker with the fewest calls of those that have room; null when there is none.
 * @param isOnly whether a plugin has no more than one at a time
 * @param slow those in which nothing has begun for a while: they get no calls to wait there
 */
export function leastBusy(workers: readonly Worker[], isOnly: boolean, slow = NONE): Worker | null {
  let best: Worker | null = null;
  for (const worker of workers) {
    const window = slow.has(worker) ? worker.concurrency : windowOf(worker, isOnly);
    if (worker.hasRoom(window) && (best === null || worker.load < best.load)) best = worker;
  }
  return best;
}

/** How many calls a worker may have: enough that it never waits for the host, and no more where others could take them. */
function windowOf({ concurrency, typical }: Worker, isOnly: boolean): number {
  if (isOnly) return Math.max(DEEP, 2 * concurrency);
  return concurrency + Math.min(MOST_AHEAD, Math.floor(AHEAD / Math.max(1, typical)) * concurrency);
}
