import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../support/until';
import { builtRunner } from './built-runner';
import { closeAll, compileInnocent, isAlive, open, openLibrary } from './harness';

afterEach(closeAll);

/** Milliseconds that a process may take to compile what it runs. */
const LIMIT = 50_000;

const pidOf = async (ask: (symbol: string) => Promise<string>): Promise<number> => Number(await ask('GETPidHandler'));

describe('close', () => {
  it('finishes what was accepted', async () => {
    const { plugin, ask, lines } = await open('crash.c');
    const pid = await pidOf(ask);
    const calls = Array.from({ length: 2000 }, () => ask('GETEchoHandler'));
    const closing = plugin.close(20_000);
    expect(await ask('GETEchoHandler')).toBe('STOPPING');
    for (const answer of await Promise.all(calls)) expect(answer).toContain('"body":null}');
    await closing;
    expect(isAlive(pid)).toBe(false);
    expect(lines.filter((line) => line.level > 30)).toEqual([]);
  });

  it('finishes what was accepted also where it crashes meanwhile', async () => {
    const { plugin, ask } = await open('crash.c');
    const calls = [ask('GETEchoHandler'), ask('GETFaultHandler'), ask('GETEchoHandler')];
    await plugin.close(20_000);
    expect((await Promise.all(calls)).map((answer) => answer.slice(0, 14))).toEqual(['{"http_vars":{', 'PLUGIN_CRASHED', '{"http_vars":{']);
  });

  it('gives up at its limit, and says so', async () => {
    const { plugin, ask, waiting, deaths } = await open('crash.c');
    const running = ask('GETWaitHandler', { query: 'gate=/never' });
    const behind = ask('GETEchoHandler');
    await waiting();
    await plugin.close(50);
    expect(await Promise.all([running, behind])).toEqual(['STOPPING', 'STOPPING']);
    await until(() => deaths().length > 0);
    expect(deaths()[0]!.msg).toBe('crash.so had to be forced to stop: ended by SIGTERM');
    expect(plugin.outstanding).toBe(0);
  });

  it.each([
    [false, 'SIGTERM'],
    [true, 'SIGKILL'],
  ])('forces a PluginStop that hangs (deaf to SIGTERM: %s)', async (deaf, signal) => {
    const { plugin, ask, deaths } = await openLibrary(compileInnocent('stop_hang.c'), ['GETPidHandler'], { settings: { config: { deaf } } });
    const pid = await pidOf(ask);
    await plugin.close(100);
    expect(isAlive(pid)).toBe(false);
    await until(() => deaths().length > 0);
    expect(deaths()[0]!.msg).toBe(`stop_hang.so had to be forced to stop: ended by ${signal}`);
  });

  it('notes a crash in PluginStop', async () => {
    const { plugin, deaths } = await openLibrary(compileInnocent('stop_crash.c'), ['GETPidHandler']);
    await plugin.close(10_000);
    await until(() => deaths().length > 0);
    expect(deaths()[0]!.msg).toBe('stop_crash.so crashed: ended by SIGABRT, in PluginStop');
  });

  it('lets a process that still opens its library do so, and then stops it', async () => {
    const trace = path.join(mkdtempSync(path.join(tmpdir(), 'dlserve-stopping-')), 'trace');
    const { plugin, ask, lines } = await open('traced_slow_init.c', { settings: { config: { trace } } });
    expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
    await plugin.close(20_000);
    expect(readFileSync(trace, 'utf8')).toBe('init\ninit\nstop\n');
    await until(() => lines.some((line) => line.msg === 'traced_slow_init.so crashed: ended by SIGABRT'));
    expect(lines.filter((line) => line.msg.includes('forced'))).toEqual([]);
  });

  it('may be asked twice, and while the plugin rests', async () => {
    const { plugin, ask } = await open('idle_thread_crash.c', { settings: { crashes: 0, rest: 60_000 } });
    expect(await ask('GETFaultHandler')).toBe('soon');
    await until(async () => (await ask('GETEchoHandler')) === 'PLUGIN_RESTING');
    await Promise.all([plugin.close(1000), plugin.close(1000)]);
  });
});

describe('a host that is killed', () => {
  let host: ChildProcess | undefined;
  afterEach(() => host?.kill('SIGKILL'));

  /** Starts a process that hosts a fixture and calls a handler; resolves with its output's first line. */
  const start = async (handler: string, fixture = 'fork.c'): Promise<string> => {
    const script = path.join(__dirname, 'orphan-host.ts');
    const args = [builtRunner(), compileInnocent(fixture), handler];
    const child = spawn(process.execPath, ['-r', require.resolve('../../support/typescript-require.js'), script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    host = child;
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return until(() => (output.includes('\n') ? output.slice(0, output.indexOf('\n')) : undefined), LIMIT);
  };

  it.each([
    ['GETEchoHandler', 'fork.c'],
    ['GETWaitHandler', 'fork.c'],
    ['GETLeaveHandler', 'fork.c'],
    ['GETLeaveHandler', 'fork_twice.c'],
  ])('takes its runner with it (%s of %s)', async (handler, fixture) => {
    const pids = (await start(handler, fixture)).split(' ').map(Number);
    expect(pids.every((pid) => pid > 1 && isAlive(pid))).toBe(true);
    host!.kill('SIGKILL');
    await until(() => pids.every((pid) => !isAlive(pid)));
  });

  it('that has nothing to do ends by itself, and its runner too', async () => {
    const pid = Number(await start('none'));
    await until(() => host!.exitCode === 0);
    await until(() => !isAlive(pid));
  });
});
