import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { DlserveError } from '../../../src/ground/errors';
import { callHandler, head } from '../../support/runtime';
import { until } from '../../support/until';
import { builtRunner } from './built-runner';
import { askUntil, closeAll, open, type Opened } from './harness';

let scratch: string;

beforeEach(() => (scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-supervision-'))));
afterEach(async () => {
  await closeAll();
  rmSync(scratch, { recursive: true });
});

const INNOCENT = `${head()}null}`;

describe('a plugin whose process can not be started', () => {
  it('answers 503, counts no crash, and works again by itself', async () => {
    const runner = path.join(scratch, 'runner');
    symlinkSync(builtRunner(), runner);
    const { plugin, ask, lines } = await open('crash.c', { runner, settings: { crashes: 1, rest: 60_000 } });
    unlinkSync(runner);
    expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
    await until(async () => (await ask('GETEchoHandler')) === 'UNAVAILABLE');
    expect(lines).toContainEqual(expect.objectContaining({ level: 50, msg: expect.stringContaining('ENOENT') as unknown }));
    expect(plugin.outstanding).toBe(0);
    symlinkSync(builtRunner(), runner);
    await until(async () => (await ask('GETEchoHandler')) === INNOCENT);
  });
});

describe('a plugin that crashes while no call is inside, more often than it may', () => {
  const settings = { crashes: 2, crashwindow: 60_000, rest: 300 };

  /** Lets a thread of the plugin crash, and waits for it. */
  const crashIdle = async ({ ask, deaths }: Opened): Promise<void> => {
    const before = deaths().length;
    expect(await ask('GETFaultHandler')).toBe('soon');
    await until(() => deaths().length > before);
  };

  it('rests: its calls are answered at once, with Retry-After, and works again after one that went well', async () => {
    const opened = await open('idle_thread_crash.c', { settings: { ...settings, rest: 1500 } });
    const { plugin, ask, lines } = opened;
    for (let i = 0; i < 3; i++) await crashIdle(opened);
    const error: DlserveError = await callHandler(plugin, 1).then(() => Promise.reject(new Error('answered')), (reason: unknown) => reason as DlserveError);
    expect(error).toMatchObject({
      code: 'PLUGIN_RESTING',
      status: 503,
      message: 'idle_thread_crash rests: 3 of its processes crashed while no call was inside, or could not open it',
    });
    expect(['1', '2']).toContain(error.headers['Retry-After']);
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'idle_thread_crash.so rests', plugin: 'idle_thread_crash', crashes: 3, rest: 1500 }));
    expect(plugin.outstanding).toBe(0);
    await until(async () => (await ask('GETEchoHandler')) === INNOCENT);
    await crashIdle(opened);
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
  });

  it('lets one call try, and rests again when that crashes or hangs', async () => {
    const opened = await open('idle_thread_crash.c', { settings });
    const { plugin, ask, lines, waiting } = opened;
    for (let i = 0; i < 3; i++) await crashIdle(opened);
    await pause(settings.rest + 10);
    const trial = askUntil(plugin, 3, 5000, { query: 'gate=/never' });
    expect(await Promise.all([ask('GETEchoHandler'), ask('GETEchoHandler')])).toEqual(['PLUGIN_RESTING', 'PLUGIN_RESTING']);
    await waiting();
    expect(await trial).toBe('TIMEOUT');
    await until(() => lines.filter(({ msg }) => msg === 'idle_thread_crash.so rests').length === 2);
    await until(async () => (await ask('GETEchoHandler')) === INNOCENT);
  });

  it('does not rest where it is killed from elsewhere', async () => {
    const { ask, deaths } = await open('crash.c', { settings: { ...settings, crashes: 1 } });
    for (let i = 1; i <= 4; i++) {
      process.kill(Number(await ask('GETPidHandler')), 'SIGKILL');
      await until(() => deaths().length === i);
    }
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
  });
});

describe('a plugin that can not be opened again', () => {
  it('rests, and works once it can', async () => {
    const crash = path.join(scratch, 'crash');
    const settings = { config: { crash }, crashes: 3, rest: 200 };
    const { ask, deaths } = await open('init_crash.c', { settings });
    writeFileSync(crash, '');
    expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
    expect(await ask('GETEchoHandler')).toBe('PLUGIN_RESTING');
    await until(() => deaths().some((line) => line.msg.endsWith('ended by SIGSEGV, while it opened the library')));
    unlinkSync(crash);
    await until(async () => (await ask('GETEchoHandler')) === INNOCENT);
  });
});

describe('several processes of one plugin', () => {
  it('share the calls', async () => {
    const { plugin, ask } = await open('crash.c', { settings: { workers: 3 } });
    expect(plugin.capacity).toBe(3);
    const gate = path.join(scratch, 'gate');
    const waiting = [1, 2].map(() => ask('GETWaitHandler', { query: `gate=${gate}` }));
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
    writeFileSync(gate, '');
    expect(await Promise.all(waiting)).toEqual(['through', 'through']);
    const pids = new Set(await Promise.all(Array.from({ length: 30 }, () => ask('GETPidHandler'))));
    expect(pids.size).toBeGreaterThan(1);
  });

  it('go on when one crashes', async () => {
    const { ask } = await open('crash.c', { settings: { workers: 2 } });
    const answers = Array.from({ length: 100 }, (_, i) => ask(i === 50 ? 'GETFaultHandler' : 'GETEchoHandler'));
    expect((await Promise.all(answers)).filter((answer) => answer !== INNOCENT)).toEqual(['PLUGIN_CRASHED']);
  });

  it('take what waited in one that crashed, and what comes next, although its successor takes long to open', async () => {
    const [shut, gate] = [path.join(scratch, 'shut'), path.join(scratch, 'gate')];
    const { plugin, ask, waiting } = await open('crash_slow_init.c', { settings: { workers: 2, config: { shut } } });
    writeFileSync(shut, '');
    const noLook = setInterval(() => undefined, 60_000);
    // The looks at regular times would find the room too, later.
    const looks = jest.spyOn(globalThis, 'setInterval').mockReturnValue(noLook);
    try {
      const fault = ask('GETFaultHandler', { query: `gate=${gate}` });
      const behind = Array.from({ length: 6 }, () => ask('GETEchoHandler'));
      await waiting();
      // The other one has answered its own, and the rest is behind the crash.
      await until(() => plugin.outstanding <= 3);
      writeFileSync(gate, '');
      expect(await fault).toBe('PLUGIN_CRASHED');
      expect(await Promise.all([...behind, ask('GETEchoHandler')])).toEqual(Array(7).fill(INNOCENT));
    } finally {
      looks.mockRestore();
      clearInterval(noLook);
      unlinkSync(shut);
    }
  });
});
