import { lookup } from 'node:dns/promises';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Instance, PluginSettings, Runtime } from '../../../src/plugin/runtime';
import { threadRuntime } from '../../../src/runtimes/native/runtime';
import { compileFixture } from '../../support/compile';
import { recordedLog, type RecordedLog } from '../../support/log';
import { callHandler, copyLibrary, makeCall, pluginSource, textOf } from '../../support/runtime';
import { until } from '../../support/until';

test('a PluginInit that hangs is given up in time, and not tried again', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlserve-threads-'));
  const gate = path.join(folder, 'gate');
  const library = path.join(folder, 'hangs.so');
  copyFileSync(compileFixture('slow_init.c'), library);
  const source = pluginSource(library, { symbols: [], settings: { timeout: 1000, config: { gate } } });
  const runtimes = [true, false].map((addon) => threadRuntime({ addon }));
  const failure = (runtime: Runtime): Promise<unknown> => runtime.open(source).then(() => 'opened', (error: unknown) => error);
  const first = await Promise.all(runtimes.map(failure));
  const late = { code: 'INIT_FAILED', message: expect.stringContaining('it took longer than 10000 ms') as string };
  expect(first).toEqual([expect.objectContaining(late), expect.objectContaining(late)]);
  const again = { code: 'INIT_FAILED', message: expect.stringContaining('restart the server') as string };
  expect(await failure(runtimes[0]!)).toMatchObject(again);
  // Its threads would keep this process alive.
  writeFileSync(gate, '');
  await pause(50);
  rmSync(folder, { recursive: true });
}, 30_000);

describe.each([
  ['with the addon', true],
  ['without the addon', false],
])('mode "thread" %s', (_, addon) => {
  let runtime: Runtime;
  let directory: string;
  let gate: string;
  let recorded: RecordedLog;
  let opened: Instance[];

  beforeEach(() => {
    runtime = threadRuntime({ addon });
    directory = mkdtempSync(path.join(tmpdir(), 'dlserve-threads-'));
    gate = path.join(directory, 'gate');
    recorded = recordedLog();
    opened = [];
  });
  afterEach(async () => {
    writeFileSync(gate, '');
    await Promise.all(opened.map((plugin) => plugin.close(10_000)));
    // What was given up looks for the gate every millisecond, and would keep this process alive if it never saw it.
    await pause(50);
    rmSync(directory, { recursive: true });
  });

  const open = async (fixture: string, symbols: string[], settings: Partial<PluginSettings> = {}): Promise<Instance> => {
    const source = pluginSource(copyLibrary(compileFixture(fixture)), { symbols, settings: { config: { gate }, ...settings }, log: recorded.log });
    const plugin = await runtime.open(source);
    opened.push(plugin);
    return plugin;
  };
  const openGate = (settings?: Partial<PluginSettings>): Promise<Instance> =>
    open('gate.c', ['GETWaitHandler', 'GETBegunHandler'], settings);
  const begun = async (plugin: Instance): Promise<number> => Number(textOf(await callHandler(plugin, 1)));
  const warnings = (): Record<string, unknown>[] => recorded.lines.filter((line) => line['handler'] === 'GETWaitHandler');

  it.each([
    [2 ** 31 - 1, 1024],
    [-3, 1],
  ])('takes no impossible number of threads from a library (%d)', async (threads, most) => {
    const plugin = await open('concurrency.c', ['GETTestHandler'], { config: { threads } });
    expect(plugin.capacity).toBeLessThanOrEqual(most);
    expect(textOf(await callHandler(plugin, 0))).toBe('');
  });

  it('leaves Node its file and DNS work, and other plugins theirs, while handlers wait', async () => {
    const slow = await openGate({ concurrency: 64 });
    const fast = await open('echo.c', ['GETEchoHandler']);
    const waiting = Array.from({ length: 100 }, () => callHandler(slow, 0));
    expect(textOf(await callHandler(fast, 0))).toContain('"http_vars"');
    expect(await readFile(__filename, 'utf8')).toContain('leaves Node its file');
    expect((await lookup('localhost')).address).toMatch(/^(127\.|::1)/);
    expect(slow.outstanding).toBe(100);
    writeFileSync(gate, '');
    expect((await Promise.all(waiting)).map(textOf)).toEqual(waiting.map(() => 'through'));
  });

  it('keeps the slot of a call that expired while it ran, and says so', async () => {
    const plugin = await openGate({ concurrency: 2 });
    const before = await begun(plugin);
    const settled = jest.fn();
    const call = makeCall(plugin, 0, { id: 'request-7' }, settled);
    plugin.call(call);
    await until(async () => (await begun(plugin)) === before + 1);
    plugin.expire(call);
    expect(plugin.outstanding).toBe(1);
    const about = { level: 40, plugin: 'gate', handler: 'GETWaitHandler', request: 'request-7' };
    expect(warnings()).toEqual([{ ...about, msg: expect.stringContaining('still holds a thread') as unknown }]);
    writeFileSync(gate, '');
    await until(() => plugin.outstanding === 0);
    expect(warnings()).toEqual([expect.anything(), { ...about, msg: expect.stringContaining('came back') as unknown }]);
  });

  it('takes no notice of the end of a call that it does not know', async () => {
    const plugin = await openGate();
    plugin.expire(makeCall(plugin, 0, {}, () => undefined));
    expect([plugin.outstanding, recorded.lines.filter((line) => line['handler'])]).toEqual([0, []]);
  });

  it('never begins a call whose deadline has passed', async () => {
    const plugin = await openGate();
    const before = await begun(plugin);
    const late = callHandler(plugin, 0, { deadline: performance.now() - 50 });
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('GETWaitHandler in test') as unknown });
    const first = callHandler(plugin, 0);
    const waited = callHandler(plugin, 0, { deadline: performance.now() + 50 });
    void waited.catch(() => undefined);
    await pause(100);
    writeFileSync(gate, '');
    await expect(waited).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(textOf(await first)).toBe('through');
    expect(await begun(plugin)).toBe(before + 1);
    expect(plugin.outstanding).toBe(0);
  });

  it('opens a library whose PluginInit waits without holding up the event loop', async () => {
    const opening = open('slow_init.c', ['GETHelloHandler']);
    let ticks = 0;
    while (ticks < 3) ticks += await pause(1, 1);
    writeFileSync(gate, '');
    expect(textOf(await callHandler(await opening, 0))).toBe('hello');
  });

  it('closes within its limit: waiting calls are refused, running ones given up, and the log says which', async () => {
    const plugin = await openGate();
    const running = callHandler(plugin, 0, { id: 'running' });
    const waiting = callHandler(plugin, 0, { id: 'waiting' });
    await until(() => existsSync(`${gate}.begun`));
    const results = Promise.allSettled([running, waiting]);
    const start = performance.now();
    await plugin.close(100);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(await results).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ code: 'STOPPING' }) as unknown },
      { status: 'rejected', reason: expect.objectContaining({ code: 'STOPPING' }) as unknown },
    ]);
    expect(warnings()).toEqual([
      { level: 40, plugin: 'gate', handler: 'GETWaitHandler', request: 'running', msg: expect.stringContaining('given up') as unknown },
    ]);
  });

  it('gives a PluginStop up that does not return', async () => {
    const plugin = await open('gated_stop.c', ['GETHelloHandler']);
    expect(textOf(await callHandler(plugin, 0))).toBe('hello');
    await plugin.close(50);
    const line = { level: 40, plugin: 'gated_stop', msg: expect.stringContaining('PluginStop did not return in time') as unknown };
    expect(recorded.lines).toContainEqual(line);
  });
});

describe('mode "thread" with the addon', () => {
  it('runs PluginInit and the calls of a serial library on one thread', async () => {
    const plugin = await threadRuntime().open(pluginSource(compileFixture('same_thread.c'), { symbols: ['GETSameThreadHandler'] }));
    const replies = await Promise.all(Array.from({ length: 20 }, () => callHandler(plugin, 0)));
    expect(new Set(replies.map(textOf))).toEqual(new Set(['same']));
    await plugin.close(5000);
  });
});

describe('mode "thread" without the addon', () => {
  it('says once what that means and how to get the addon', async () => {
    const { log, lines } = recordedLog();
    const runtime = threadRuntime({ addon: false });
    for (let i = 0; i < 2; i++) {
      const plugin = await runtime.open(pluginSource(compileFixture('echo.c'), { symbols: ['GETEchoHandler'], log }));
      await plugin.close(5000);
    }
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 40, threads: 3, msg: expect.stringMatching(/slower.*npm rebuild dlserve/) as unknown });
  });
});
