import { setTimeout } from 'node:timers/promises';

/**
 * Polls until `probe` gives something other than undefined and false.
 * @param limit milliseconds, generous: it is reached by a failing test only
 */
export async function until<T>(probe: () => T | undefined | Promise<T | undefined>, limit = 30_000): Promise<Exclude<T, false>> {
  const end = performance.now() + limit;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value as Exclude<T, false>;
    if (performance.now() > end) throw new Error(`not reached within ${limit} ms: ${probe.toString()}`);
    await setTimeout(10);
  }
}
