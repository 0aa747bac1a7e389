import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../support/until';
import { compileFixture } from '../../support/compile';
import type { TimeLimits } from '../../../src/plugin/deadline';
import { makeCall, textOf } from '../../support/runtime';
import { closeAll, open, openLibrary, type Opened } from './harness';

let gate: string;
let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-retry-'));
  gate = path.join(scratch, 'gate');
});
afterEach(async () => {
  await closeAll();
  rmSync(scratch, { recursive: true });
});

const settings = { retry: true, concurrency: 2 };

const killer = async ({ plugin }: Opened): Promise<void> => {
  const [pid] = plugin.processes;
  process.kill(pid!, 'SIGKILL');
  await until(() => !plugin.processes.includes(pid!));
};

it('a call whose process is killed from elsewhere is made again, and the log says so', async () => {
  const opened = await open('crash.c', { settings });
  const { ask, waiting, deaths } = opened;
  const call = ask('GETWaitHandler', { query: `gate=${gate}`, id: 'again' });
  await waiting();
  await killer(opened);
  await waiting(2);
  writeFileSync(gate, '');
  expect(await call).toBe('through');
  await until(() => deaths().length > 0);
  expect(deaths()[0]).toMatchObject({ requests: [], handlers: [], again: ['again'] });
});

it('but three times at most', async () => {
  const opened = await open('crash.c', { settings });
  const call = opened.ask('GETWaitHandler', { query: 'gate=/never' });
  for (let begun = 1; begun <= 4; begun++) {
    await opened.waiting(begun);
    await killer(opened);
  }
  expect(await call).toBe('PLUGIN_CRASHED');
});

it('a call beside one that crashes is made again; that one is not', async () => {
  const { ask, waiting } = await open('crash.c', { settings });
  const beside = ask('GETWaitHandler', { query: `gate=${gate}` });
  await waiting();
  expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
  await waiting(2);
  writeFileSync(gate, '');
  expect(await beside).toBe('through');
});

it.each(['exit_zero.c', 'abort.c', 'stack_overflow.c'])('also where it ends otherwise (%s)', async (fixture) => {
  const { ask, waiting } = await open(fixture, { settings });
  const beside = ask('GETWaitHandler', { query: `gate=${gate}` });
  await waiting();
  expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
  await waiting(2);
  writeFileSync(gate, '');
  expect(await beside).toBe('through');
});

it('not where nobody knows which of the calls it was', async () => {
  const { ask, waiting } = await open('underscore_exit.c', { settings });
  const beside = ask('GETWaitHandler', { query: 'gate=/never' });
  await waiting();
  expect(await Promise.all([ask('GETFaultHandler'), beside])).toEqual(['PLUGIN_CRASHED', 'PLUGIN_CRASHED']);
});

it('not by a method that may change something twice', async () => {
  const opened = await openLibrary(compileFixture('post_hang.c'), ['POSTWaitHandler'], { settings });
  const call = opened.ask('POSTWaitHandler', { method: 'POST' });
  await opened.waiting();
  await killer(opened);
  expect(await call).toBe('PLUGIN_CRASHED');
});

it('not at all unless it is wanted', async () => {
  const opened = await open('crash.c');
  const call = opened.ask('GETWaitHandler', { query: 'gate=/never' });
  await opened.waiting();
  await killer(opened);
  expect(await call).toBe('PLUGIN_CRASHED');
});

it('has all its time again, but for its client\'s', async () => {
  const opened = await open('crash.c', { settings });
  const limits: TimeLimits[] = [];
  const reply = new Promise<string>((resolve) => {
    const call = makeCall(opened.plugin, 3, { query: `gate=${gate}` }, (error, raw) => resolve(error?.code ?? textOf(raw!)!));
    limits.push(call.limits);
    opened.plugin.call(call);
  });
  const { arrival, beginBy, ownAt } = limits[0]!;
  await opened.waiting();
  await killer(opened);
  await opened.waiting(2);
  expect(limits[0]!.arrival).toBeGreaterThan(arrival);
  expect(limits[0]!.beginBy).toBeGreaterThan(beginBy);
  expect(limits[0]!.ownAt).toBe(ownAt);
  writeFileSync(gate, '');
  expect(await reply).toBe('through');
});
