import type { Runner } from './runner';

/** Calls that a runner has at most, when it is the only one. */
const DEEP = 1024;
/** With several runners, each gets the calls of about this many microseconds beyond those that it can execute at once. */
const AHEAD = 500;
const MOST_AHEAD = 64;

/**
 * The runner with the fewest calls of those that have room; null when there is none.
 * @param isOnly whether a plugin has no more than one at a time
 */
export function leastBusy(runners: readonly Runner[], isOnly: boolean): Runner | null {
  let best: Runner | null = null;
  for (const runner of runners) {
    if (runner.hasRoom(windowOf(runner, isOnly)) && (best === null || runner.calls.size < best.calls.size)) best = runner;
  }
  return best;
}

/** How many calls a runner may have: enough that it never waits for the host, and no more where others could take them. */
function windowOf({ concurrency, typical }: Runner, isOnly: boolean): number {
  if (isOnly) return Math.max(DEEP, 2 * concurrency);
  return concurrency + Math.min(MOST_AHEAD, Math.floor(AHEAD / Math.max(1, typical)) * concurrency);
}
