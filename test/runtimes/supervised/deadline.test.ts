import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { callWithin, head } from '../../support/runtime';
import { until } from '../../support/until';
import { askUntil, closeAll, compileInnocent, isAlive, open, openLibrary } from './harness';

let scratch: string;
let gate: string;

beforeEach(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-deadline-'));
  gate = path.join(scratch, 'gate');
});
afterEach(async () => {
  await closeAll();
  rmSync(scratch, { recursive: true });
});

const INNOCENT = `${head()}null}`;

describe('a call that takes longer than it may', () => {
  it.each(['hang.c', 'block_signals.c'])('ends its runner, and those behind it go on (%s)', async (fixture) => {
    const { plugin, ask, deaths } = await open(fixture, { settings: { concurrency: 1 } });
    const pid = Number(await ask('GETPidHandler'));
    const hung = askUntil(plugin, 0, 100, { id: 'hung' });
    const behind = Array.from({ length: 10 }, () => ask('GETEchoHandler'));
    expect(await hung).toBe('TIMEOUT');
    expect(await Promise.all(behind)).toEqual(behind.map(() => INNOCENT));
    await until(() => deaths().length > 0);
    expect(deaths()).toEqual([
      expect.objectContaining({ level: 40, requests: ['hung'], handlers: ['GETFaultHandler'], msg: expect.stringContaining('timeout') as unknown }),
    ]);
    expect(isAlive(pid)).toBe(false);
    expect(plugin.outstanding).toBe(0);
  });

  it('harms no call that runs beside it', async () => {
    const { plugin, ask, deaths, waiting } = await open('hang.c', { settings: { concurrency: 2 } });
    const beside = ask('GETWaitHandler', { query: `gate=${gate}` });
    await waiting();
    expect(await askUntil(plugin, 0, 100)).toBe('TIMEOUT');
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
    expect(deaths()).toEqual([]);
    writeFileSync(gate, '');
    expect(await beside).toBe('through');
    await until(() => deaths().length > 0);
    expect(plugin.outstanding).toBe(0);
  });

  it('harms none of several that run beside it, while others wait behind them', async () => {
    const { plugin, ask, deaths, waiting } = await open('hang.c', { settings: { concurrency: 4 } });
    const gates = ['a', 'b', 'c'].map((name) => path.join(scratch, name));
    const beside = gates.map((file) => ask('GETWaitHandler', { query: `gate=${file}` }));
    await waiting(3);
    const hung = askUntil(plugin, 0, 100);
    const behind = Array.from({ length: 10 }, () => ask('GETEchoHandler'));
    expect(await hung).toBe('TIMEOUT');
    expect(await Promise.all(behind)).toEqual(behind.map(() => INNOCENT));
    for (const [i, file] of gates.entries()) {
      writeFileSync(file, '');
      expect(await beside[i]).toBe('through');
    }
    await until(() => deaths().length > 0);
    expect(plugin.outstanding).toBe(0);
  });

  it('and the deadlines of others right behind it, which pass while the runner ends', async () => {
    const { plugin, ask } = await open('hang.c', { settings: { concurrency: 4 } });
    for (let round = 0; round < 24; round++) {
      expect(await ask('GETEchoHandler')).toBe(INNOCENT);
      const hung = [0, 1, 2, 3].map((place) => askUntil(plugin, 3, 40 + place * ((round % 6) + 1), { query: 'gate=/never' }));
      expect(await Promise.all(hung)).toEqual(hung.map(() => 'TIMEOUT'));
    }
    await until(() => plugin.outstanding === 0);
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
  });

  it('never begins, if it has not', async () => {
    const tally = path.join(scratch, 'tally');
    const { plugin, ask } = await openLibrary(compileInnocent('tally.c'), ['GETNoteHandler', 'GETWaitHandler'], {
      settings: { concurrency: 1, config: { tally } },
    });
    writeFileSync(tally, '');
    const first = ask('GETWaitHandler', { query: `gate=${gate}` });
    // The host is not told of the second one's end: the runner looks at the clock itself.
    const late = ask('GETNoteHandler', { query: 'n=1', deadline: performance.now() + 50 });
    const cancelled = askUntil(plugin, 0, 60, { query: 'n=2' });
    const last = ask('GETNoteHandler', { query: 'n=3' });
    expect(await cancelled).toBe('TIMEOUT');
    writeFileSync(gate, '');
    expect(await Promise.all([first, late, cancelled, last])).toEqual(['through', 'TIMEOUT', 'TIMEOUT', expect.stringMatching(/ 3\n/)]);
    expect(readFileSync(tally, 'utf8').trim()).toBe('3');
    expect(plugin.outstanding).toBe(0);
  });

  it('is told by the operator: calls behind it go on, which have waited for longer than they may take', async () => {
    const { plugin, ask, deaths, waiting } = await open('hang.c', { settings: { concurrency: 1 } });
    const pid = await ask('GETPidHandler');
    const hung = callWithin(plugin, 3, { timeout: 300 }, { query: 'gate=/never', id: 'hung' });
    await waiting();
    const behind = Array.from({ length: 5 }, () => callWithin(plugin, 1, { timeout: 300, queueTimeout: 20_000 }));
    const pids = callWithin(plugin, 2, {});
    expect(await hung).toBe('TIMEOUT');
    expect(await Promise.all(behind)).toEqual(behind.map(() => INNOCENT));
    expect(await pids).not.toBe(pid);
    await until(() => deaths().length > 0);
    expect(deaths()).toEqual([expect.objectContaining({ requests: ['hung'] })]);
  });

  it('is no matter of clients: neither the call nor those beside it are ended', async () => {
    const { plugin, ask, deaths, waiting } = await open('hang.c', { settings: { concurrency: 2 } });
    const pid = await ask('GETPidHandler');
    const calls = [300, undefined].map((own) => callWithin(plugin, 3, own === undefined ? {} : { own }, { query: `gate=${gate}` }));
    await waiting(2);
    expect(await calls[0]).toBe('TIMEOUT');
    expect(plugin.outstanding).toBe(2);
    writeFileSync(gate, '');
    expect(await calls[1]).toBe('through');
    await until(() => plugin.outstanding === 0);
    expect([await ask('GETPidHandler'), deaths()]).toEqual([pid, []]);
  });

  it('does not count as a crash', async () => {
    const { plugin, ask } = await open('hang.c', { settings: { concurrency: 1, crashes: 1 } });
    for (let i = 0; i < 4; i++) expect(await askUntil(plugin, 0, 30)).toBe('TIMEOUT');
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
  });
});

describe('a runner that is stopped from outside', () => {
  it('is replaced, also where all of several are, and calls are taken back from each', async () => {
    const { plugin, ask, deaths } = await open('crash.c', { settings: { workers: 2 } });
    const pids = [...plugin.processes];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const answers = Array.from({ length: 10 }, () => ask('GETEchoHandler'));
    expect(await Promise.all(answers)).toEqual(answers.map(() => INNOCENT));
    await until(() => deaths().length > 0);
    expect(pids).toContain(deaths()[0]!.pid);
  });

  it('is replaced, and its calls answer', async () => {
    const { ask, deaths } = await open('crash.c');
    const pid = Number(await ask('GETPidHandler'));
    process.kill(pid, 'SIGSTOP');
    const answers = Array.from({ length: 10 }, () => ask('GETEchoHandler'));
    expect(await Promise.all(answers)).toEqual(answers.map(() => INNOCENT));
    await until(() => deaths().length > 0);
    expect(deaths()[0]).toMatchObject({ pid, requests: [], msg: expect.stringContaining('stopped to take calls') as unknown });
  });

  it('while it executes: its call ends at its deadline', async () => {
    const { plugin, ask, waiting } = await open('crash.c');
    const pid = Number(await ask('GETPidHandler'));
    const slow = askUntil(plugin, 3, 1000, { query: 'gate=/never' });
    await waiting();
    process.kill(pid, 'SIGSTOP');
    const behind = ask('GETEchoHandler');
    expect(await slow).toBe('TIMEOUT');
    expect(await behind).toBe(INNOCENT);
  });
});

it('a request that takes long to arrive, because the host is busy, is no stop', async () => {
  const { ask, deaths } = await open('crash.c');
  const pid = await ask('GETPidHandler');
  // Each turn of the event loop takes as long as the pause between two looks at the runner, and moves one socket buffer.
  const busy = setInterval(() => {
    const end = performance.now() + 260;
    while (performance.now() < end);
  }, 0);
  expect(await ask('GETPidHandler', { body: Buffer.alloc(12_000_000) })).toBe(pid);
  clearInterval(busy);
  expect(deaths()).toEqual([]);
});
