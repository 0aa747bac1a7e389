import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { head } from '../../support/runtime';
import { until } from '../../support/until';
import { askUntil, closeAll, isAlive, open } from './harness';

let scratch: string;
let gate: string;

beforeEach(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-elastic-'));
  gate = path.join(scratch, 'gate');
});
afterEach(async () => {
  await closeAll();
  rmSync(scratch, { recursive: true });
});

const INNOCENT = `${head()}null}`;
const never = { query: 'gate=/never' };

describe('calls given to a worker in which one hangs', () => {
  it('are answered by the others, long before that one is ended', async () => {
    const { plugin, ask, waiting, deaths } = await open('crash.c', { settings: { workers: 2, concurrency: 1 } });
    // Brief calls: each worker is given many at once.
    for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 40 }, () => ask('GETEchoHandler')));
    const before = Array.from({ length: 40 }, () => ask('GETEchoHandler'));
    const hung = askUntil(plugin, 3, 20_000, never);
    const behind = Array.from({ length: 100 }, () => ask('GETEchoHandler'));
    expect(await Promise.all([...before, ...behind])).toEqual(Array(140).fill(INNOCENT));
    await waiting();
    expect(plugin.outstanding).toBe(1);
    expect(deaths()).toEqual([]);
    process.kill(Number(plugin.processes[0]), 'SIGKILL');
    process.kill(Number(plugin.processes[1]), 'SIGKILL');
    expect(await hung).toBe('PLUGIN_CRASHED');
  });

  it('run once, also where they were being taken just then', async () => {
    const { plugin, ask } = await open('crash.c', { settings: { workers: 2, concurrency: 1 } });
    const answers: string[] = [];
    const slow = async (): Promise<void> => {
      for (let i = 0; i < 12; i++) await askUntil(plugin, 3, 20_000, { query: `gate=${gate}-${i}` });
    };
    const open12 = async (): Promise<void> => {
      for (let i = 0; i < 12; i++) {
        await until(() => plugin.outstanding > 0);
        writeFileSync(`${gate}-${i}`, '');
      }
    };
    const client = async (): Promise<void> => {
      for (let i = 0; i < 300; i++) answers.push(await ask('GETEchoHandler'));
    };
    await Promise.all([slow(), open12(), ...Array.from({ length: 16 }, client)]);
    expect(answers).toEqual(Array(4800).fill(INNOCENT));
    expect(plugin.outstanding).toBe(0);
  });
});

describe('workers = "1-3"', () => {
  const settings = { workers: { least: 1, most: 3 }, concurrency: 1, scaleafter: 20 };

  it('is one while calls are brief', async () => {
    const { plugin, ask } = await open('crash.c', { settings: { ...settings, scaleafter: 1000 } });
    for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 64 }, () => ask('GETEchoHandler')));
    expect(plugin.processes).toHaveLength(1);
    expect(plugin.capacity).toBe(1);
  });

  it('becomes one more where calls wait behind a slow one, and again, up to the most', async () => {
    const { plugin, ask, waiting } = await open('crash.c', { settings });
    const slow = ask('GETWaitHandler', { query: `gate=${gate}` });
    await waiting();
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
    expect(plugin.processes).toHaveLength(2);
    const more = [ask('GETWaitHandler', { query: `gate=${gate}` }), ask('GETWaitHandler', { query: `gate=${gate}` })];
    await waiting(3);
    expect(plugin.processes).toHaveLength(3);
    expect(plugin.capacity).toBe(3);
    const last = ask('GETEchoHandler');
    await until(() => plugin.outstanding === 4);
    writeFileSync(gate, '');
    expect(await Promise.all([slow, ...more, last])).toEqual(['through', 'through', 'through', INNOCENT]);
    expect(plugin.processes).toHaveLength(3);
  });

  it('becomes fewer where they have nothing to do, down to the least', async () => {
    const { plugin, ask, waiting, deaths } = await open('crash.c', { settings: { ...settings, scaleidle: 200 } });
    const slow = [1, 2, 3].map(() => ask('GETWaitHandler', { query: `gate=${gate}` }));
    await waiting(3);
    const pids = plugin.processes;
    writeFileSync(gate, '');
    await Promise.all(slow);
    await until(() => plugin.processes.length === 1);
    await until(() => pids.filter(isAlive).length === 1);
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
    expect(plugin.capacity).toBe(1);
    expect(deaths()).toEqual([]);
  });

  it('goes on with what it has where one more can not be opened', async () => {
    const crash = path.join(scratch, 'crash');
    const { plugin, ask, deaths, waiting } = await open('init_crash.c', { settings: { ...settings, crashes: 1, config: { crash } } });
    writeFileSync(crash, '');
    const slow = ask('GETWaitHandler', { query: `gate=${gate}` });
    await waiting();
    const behind = ask('GETEchoHandler');
    await until(() => deaths().length > 0);
    expect(plugin.processes).toHaveLength(1);
    writeFileSync(gate, '');
    expect(await Promise.all([slow, behind])).toEqual(['through', INNOCENT]);
    expect(deaths()).toHaveLength(1);
  });
});
