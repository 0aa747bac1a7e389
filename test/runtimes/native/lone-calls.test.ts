import type { Instance } from '../../../src/plugin/runtime';
import { loadAddon, type Addon } from '../../../src/runtimes/native/addon';
import { addonThread } from '../../../src/runtimes/native/thread/addon-thread';
import { compileFixture } from '../../support/compile';
import { callHandler, copyLibrary, makeCall, pluginSource, textOf } from '../../support/runtime';
import { until } from '../../support/until';

const SYMBOLS = ['GETQuickHandler', 'GETNapHandler'];
const [QUICK, NAP] = [0, 1];
const addon = loadAddon() as Addon;

/** What each active wait has come to. */
let waits: boolean[] = [];
let plugin: Instance;

beforeEach(async () => {
  waits = [];
  const recorded = {
    ...addon,
    mayWait: () => true,
    await: (hub: number, microseconds: number) => {
      const hasCome = addon.await(hub, microseconds);
      waits.push(hasCome);
      return hasCome;
    },
  };
  const source = pluginSource(copyLibrary(compileFixture('racy.c')), { symbols: SYMBOLS });
  plugin = (await addonThread(recorded)(source)).instance as unknown as Instance;
});
afterEach(() => plugin.close(10_000));

const ask = async (index: number): Promise<string | null> => textOf(await callHandler(plugin, index));

/** Makes one call right after the other, until there were enough waits. */
async function askUntil(isThere: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !isThere(); ) {
    expect(performance.now()).toBeLessThan(end);
    expect(await ask(QUICK)).toBe('quick');
  }
}

/** Until the next one is waited for. */
function beAlone(): Promise<void> {
  const before = waits.length;
  return askUntil(() => waits.length > before);
}

test('brief calls that are alone are waited for, and come back so', async () => {
  expect(addon.mayWait()).toBe(true);
  await askUntil(() => waits.filter(Boolean).length >= 10);
});

test('one that takes longer comes back all the same', async () => {
  await beAlone();
  waits = [];
  await until(async () => {
    expect(await ask(NAP)).toBe('slept');
    return waits.includes(false);
  });
  expect(await ask(QUICK)).toBe('quick');
});

test('one that is joined comes back, and nothing is waited for while several are under way', async () => {
  await beAlone();
  const replies = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(i % 10 === 0 ? NAP : QUICK)));
  expect(replies).toEqual(Array.from({ length: 200 }, (_, i) => (i % 10 === 0 ? 'slept' : 'quick')));
  const before = waits.length;
  const nap = ask(NAP);
  await ask(QUICK);
  await ask(QUICK);
  expect(waits.length).toBe(before);
  expect(await nap).toBe('slept');
});

test('one that is withdrawn in its turn ends the wait', async () => {
  for (let i = 0; i < 50; i++) {
    await beAlone();
    let settled = 0;
    const call = makeCall(plugin, QUICK, {}, () => settled++);
    plugin.call(call);
    const isGone = plugin.withdraw(call);
    expect(await ask(QUICK)).toBe('quick');
    await until(() => settled === (isGone ? 0 : 1) && plugin.outstanding === 0);
  }
});
