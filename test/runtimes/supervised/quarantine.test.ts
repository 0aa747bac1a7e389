import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Exchange } from '../../../src/plugin/exchange';
import { Quarantine } from '../../../src/runtimes/supervised/quarantine';
import { callHandler, callWithin, handlersNamed, head, makeCall } from '../../support/runtime';
import { scratch } from '../../support/server';
import { until } from '../../support/until';
import { askUntil, closeAll, open, type Opened } from './harness';

const handlers = handlersNamed(['GETAHandler', 'GETBHandler', 'GETCHandler']);
const call = (index: number, route?: string): Exchange => makeCall({ handlers }, index, route === undefined ? {} : { route }, () => undefined);

describe('a handler', () => {
  let now: number;
  const limits = { faultshare: 0.5, faultcalls: 10, crashwindow: 1000, rest: 300 };
  const quarantine = (): Quarantine => new Quarantine(3, limits, () => now);

  beforeEach(() => (now = 0));

  const resting = (): Quarantine => {
    const all = quarantine();
    for (let i = 0; i < 10; i++) all.faulted(1);
    return all;
  };

  it('rests once enough of its calls say so, and its neighbours do not', () => {
    const all = quarantine();
    expect(Array.from({ length: 10 }, () => all.faulted(1))).toEqual([...Array<boolean>(9).fill(false), true]);
    expect([0, 1, 2].map((index) => all.admits(call(index)))).toEqual([true, false, true]);
    expect(all.restOf(1)).toEqual({ calls: 10, faults: 10, left: 300 });
  });

  it('does not rest where fewer than that share fault, however many these are', () => {
    const all = quarantine();
    for (let i = 0; i < 10_000; i++) {
      all.answered(call(1));
      all.answered(call(1));
      expect(all.faulted(1)).toBe(false);
    }
  });

  it('is judged by what lies within the window alone', () => {
    const all = quarantine();
    for (let i = 0; i < 9; i++) all.faulted(1);
    now += 1100;
    expect(all.faulted(1)).toBe(false);
    for (let i = 0; i < 1000; i++) all.answered(call(2));
    now += 1100;
    expect(Array.from({ length: 10 }, () => all.faulted(2)).at(-1)).toBe(true);
  });

  it('forgets bit by bit', () => {
    const all = quarantine();
    for (let i = 0; i < 100; i++, now += 120) expect(all.faulted(1)).toBe(false);
    now += 120;
    expect(Array.from({ length: 9 }, () => all.faulted(1))).toContain(true);
  });

  it('is tried by one call after the other when it has rested', () => {
    const all = resting();
    now += 299;
    expect(all.admits(call(1))).toBe(false);
    now += 1;
    const [first, second] = [call(1), call(1)];
    expect([all.admits(first), all.admits(second), all.admits(first)]).toEqual([true, false, true]);
    expect([all.holds(first), all.holds(second), all.holds(call(0))]).toEqual([false, true, false]);
    expect(all.answered(second)).toBe(false);
    // Only the trial says how it is: others had begun before the rest.
    expect([all.faulted(1), all.faulted(1, second), all.admits(second)]).toEqual([false, false, false]);
    expect(all.faulted(1, first)).toBe(true);
    expect(all.admits(second)).toBe(false);
    now += 300;
    expect(all.admits(second)).toBe(true);
    all.dropped(second);
    const third = call(1);
    expect(all.admits(third)).toBe(true);
    expect(all.answered(third)).toBe(true);
    expect([all.isEmpty, all.admits(call(1)), all.admits(call(1))]).toEqual([true, true, true]);
    expect(all.faulted(1)).toBe(false);
  });
});

it('routes that lead to one function rest each for itself', () => {
  const all = new Quarantine(3, { faultshare: 0.5, faultcalls: 4, crashwindow: 1000, rest: 300 }, () => 0);
  const rests = Array.from({ length: 4 }, () => all.faulted(1, call(1, 'GET /crash')));
  expect(rests).toEqual([false, false, false, true]);
  expect([call(1, 'GET /crash'), call(1, 'GET /well'), call(1)].map((each) => all.admits(each))).toEqual([false, true, true]);
  expect(all.restOf(1, call(1, 'GET /crash'))).toEqual({ calls: 4, faults: 4, left: 300 });
  expect(all.restOf(1)).toBeUndefined();
});

describe('in a library', () => {
  const INNOCENT = `${head()}null}`;
  const settings = { faultcalls: 4, rest: 300 };
  const RESTING = /^GETFaultHandler in crash rests: 4 of its last 4 calls crashed or hung$/;

  afterEach(closeAll);

  const crashOften = async ({ ask }: Opened): Promise<void> => {
    for (let i = 0; i < 4; i++) expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
  };

  it('the handler that crashes rests, and its neighbours go on', async () => {
    const opened = await open('crash.c', { settings: { ...settings, crashes: 1, rest: 60_000 } });
    const { plugin, ask, lines } = opened;
    await crashOften(opened);
    await expect(callHandler(plugin, 0)).rejects.toMatchObject({
      code: 'PLUGIN_RESTING',
      message: expect.stringMatching(RESTING) as string,
      headers: { 'Retry-After': '60' },
    });
    expect(await Promise.all(Array.from({ length: 50 }, () => ask('GETEchoHandler')))).toEqual(Array(50).fill(INNOCENT));
    expect(lines).toContainEqual(expect.objectContaining({ level: 50, handler: 'GETFaultHandler', calls: 4, faults: 4, rest: 60_000 }));
    expect(plugin.outstanding).toBe(0);
  });

  it('its calls that wait already are refused, and no others', async () => {
    const { ask } = await open('crash.c', { settings });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i % 2 === 0 ? 'GETFaultHandler' : 'GETEchoHandler')));
    expect(answers.filter((_, i) => i % 2 === 1)).toEqual(Array(10).fill(INNOCENT));
    expect(answers.filter((_, i) => i % 2 === 0)).toEqual([...Array<string>(4).fill('PLUGIN_CRASHED'), ...Array<string>(6).fill('PLUGIN_RESTING')]);
  });

  it('one trial decides: a crash lets it rest again', async () => {
    const opened = await open('crash.c', { settings });
    const { ask, lines } = opened;
    await crashOften(opened);
    await until(async () => (await ask('GETFaultHandler')) === 'PLUGIN_CRASHED');
    expect(await Promise.all([ask('GETFaultHandler'), ask('GETFaultHandler')])).toEqual(['PLUGIN_RESTING', 'PLUGIN_RESTING']);
    expect(lines.filter(({ handler, rest }) => handler === 'GETFaultHandler' && rest !== undefined)).toHaveLength(2);
  });

  it('a hang counts as a crash does, and one trial that is answered makes the handler well', async () => {
    const { plugin, ask, lines } = await open('crash.c', { settings: { ...settings, concurrency: 1 } });
    const hang = (): Promise<string> => askUntil(plugin, 3, 100, { query: 'gate=/never' });
    for (let i = 0; i < 4; i++) {
      expect(await hang()).toBe('TIMEOUT');
      await until(() => lines.filter((line) => 'requests' in line).length > i);
    }
    expect(await ask('GETWaitHandler', { query: 'gate=/' })).toBe('PLUGIN_RESTING');
    await until(async () => (await ask('GETWaitHandler', { query: 'gate=/' })) === 'through');
    expect(await ask('GETWaitHandler', { query: 'gate=/' })).toBe('through');
    expect(lines).toContainEqual(expect.objectContaining({ handler: 'GETWaitHandler', msg: 'GETWaitHandler in crash.so is well again' }));
  });

  it('only the call is blamed whose thread has crashed', async () => {
    const { ask, waiting, deaths } = await open('crash.c', { settings: { ...settings, concurrency: 2, rest: 60_000 } });
    for (let i = 1; i <= 4; i++) {
      const beside = ask('GETWaitHandler', { query: 'gate=/never' });
      await waiting(i);
      expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
      expect(await beside).toBe('PLUGIN_CRASHED');
      await until(() => deaths().length === i);
    }
    expect(await ask('GETFaultHandler')).toBe('PLUGIN_RESTING');
    expect(await ask('GETWaitHandler', { query: 'gate=/' })).toBe('through');
  });

  it('one per cent of crashes rests nobody', async () => {
    const { ask } = await open('crash.c', { settings: { faultcalls: 10, crashes: 5 } });
    let next = 0;
    const answers: string[] = [];
    const client = async (): Promise<void> => {
      while (next < 3000) answers.push(await ask(next++ % 100 === 50 ? 'GETFaultHandler' : 'GETEchoHandler'));
    };
    // The handler itself does rest, as all its calls crash.
    await Promise.all(Array.from({ length: 64 }, client));
    expect(answers.filter((answer) => answer === INNOCENT)).toHaveLength(2970);
  });

  it.each([
    ['makes the handler well, whatever is wrong with its reply', 'more', 'BAD_HEADERS'],
    ['that a client leaves is followed by another', 'left', 'PLUGIN_CRASHED'],
  ])('a trial %s', async (_, query, next) => {
    const opened = await open('crash_or_more.c', { settings: { ...settings, concurrency: 1 } });
    await crashOften(opened);
    expect(await until(async () => {
      const answer = await opened.ask('GETFaultHandler', query === 'left' ? { deadline: 0 } : { query });
      return answer === 'PLUGIN_RESTING' ? undefined : answer;
    })).toBe(query === 'left' ? 'TIMEOUT' : next);
    expect(await opened.ask('GETFaultHandler', query === 'left' ? {} : { query })).toBe(next);
  });

  it('a handler rests by its hangs also where its processes are ended by the crashes of another', async () => {
    const opened = await open('crash_or_more.c', { settings: { ...settings, concurrency: 2, rest: 60_000 } });
    const gate = path.join(scratch(), 'gate');
    for (let i = 1; i <= 4; i++) {
      const hung = callWithin(opened.plugin, 3, { timeout: 50 }, { query: 'gate=/never' });
      const beside = opened.ask('GETFaultHandler', { query: `gate=${gate}${i}` });
      await opened.waiting(2 * i);
      expect(await hung).toBe('TIMEOUT');
      writeFileSync(`${gate}${i}`, '');
      expect(await beside).toBe('PLUGIN_CRASHED');
      await until(() => opened.deaths().length === i);
    }
    expect(await opened.ask('GETWaitHandler', { query: 'gate=/' })).toBe('PLUGIN_RESTING');
  });
});
