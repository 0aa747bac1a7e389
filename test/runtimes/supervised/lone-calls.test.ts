import { activeWait } from '../../../src/runtimes/native/active-wait';
import { closeAll, open, type Opened } from './harness';

/** What each active wait has come to. */
let waits: boolean[] = [];

/** Opens a plugin whose lone calls are waited for. */
function openWatched(): Promise<Opened> {
  const awaitEvent = activeWait()!;
  waits = [];
  const recorded = (microseconds: number): boolean => {
    waits.push(awaitEvent(microseconds));
    return waits.at(-1)!;
  };
  return open('crash.c', { activeWait: () => recorded });
}

afterEach(closeAll);

/** Makes one call right after the other, until there were enough waits. */
async function askUntil(ask: Opened['ask'], isThere: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !isThere(); ) {
    expect(performance.now()).toBeLessThan(end);
    expect(Number(await ask('GETPidHandler'))).toBeGreaterThan(0);
  }
}

test('brief calls that are alone are waited for, and come back so', async () => {
  const { ask } = await openWatched();
  await askUntil(ask, () => waits.filter(Boolean).length >= 10);
});

test('nothing is waited for where calls come together', async () => {
  const { ask } = await openWatched();
  await askUntil(ask, () => waits.length > 0);
  await Promise.all([ask('GETPidHandler'), ask('GETPidHandler')]);
  waits = [];
  for (let i = 0; i < 50; i++) await Promise.all([ask('GETPidHandler'), ask('GETPidHandler')]);
  expect(waits).toEqual([]);
});

test('a call that crashes while it is waited for costs itself', async () => {
  const { ask } = await openWatched();
  await askUntil(ask, () => waits.length > 0);
  expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
  expect(Number(await ask('GETPidHandler'))).toBeGreaterThan(0);
});
