import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { head } from '../../support/runtime';
import { until } from '../../support/until';
import { closeAll, compileInnocent, open, openLibrary } from './harness';

const MB = 1024 * 1024;
const INNOCENT = `${head()}null}`;

let scratch: string;

beforeAll(() => (scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-memory-'))));
afterEach(closeAll);
afterAll(() => rmSync(scratch, { recursive: true }));

// Only Linux counts what a process has rather than what it has reserved.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a memory limit', () => {
  it('that leaves no room for a request is told, in the log once, and costs nothing else', async () => {
    const { ask, deaths, lines } = await open('crash.c', { settings: { memory: 64 * MB } });
    const pid = await ask('GETPidHandler');
    const large = Array.from({ length: 3 }, () => ask('GETEchoHandler', { body: Buffer.alloc(80 * MB, 'x') }));
    expect(await Promise.all([...large, ask('GETEchoHandler')])).toEqual(['MEMORY_LIMIT', 'MEMORY_LIMIT', 'MEMORY_LIMIT', INNOCENT]);
    expect(await ask('GETPidHandler')).toBe(pid);
    expect(deaths()).toEqual([]);
    expect(lines.filter(({ level }) => level > 30)).toEqual([
      expect.objectContaining({ level: 40, plugin: 'crash', pid: Number(pid), memory: 64 * MB, msg: expect.stringContaining('no memory for a request') as unknown }),
    ]);
  });

  it('needs room for a body and its text, no more', async () => {
    const { ask } = await openLibrary(compileInnocent('sized.c'), ['GETBytesHandler'], { settings: { memory: 64 * MB } });
    const body = Buffer.alloc(25 * MB, 'x');
    expect(await ask('GETBytesHandler', { body })).toBe('');
    expect(await ask('GETBytesHandler', { body: Buffer.alloc(25 * MB, 0xff) })).toBe('');
  });

  it('counts no stacks: as many calls run at once as the library lets in', async () => {
    const { ask, plugin } = await openLibrary(compileInnocent('crowd.c'), ['GETMeetHandler', 'GETHoardHandler'], { settings: { memory: 64 * MB } });
    const answers = await Promise.all(Array.from({ length: 64 }, () => ask('GETMeetHandler')));
    expect(answers.filter((answer) => answer !== 'met')).toEqual([]);
    expect(plugin.capacity).toBe(64);
    const had = Number(await ask('GETHoardHandler'));
    expect(had).toBeGreaterThan(40);
    expect(had).toBeLessThanOrEqual(64);
  });
});

onLinux('a process that gets fewer threads than its library lets in', () => {
  it('is known for it, and answers all calls', async () => {
    const gate = path.join(scratch, 'gate');
    const { ask, plugin, lines, waiting } = await openLibrary(compileInnocent('few_threads.c'), ['GETWaitHandler']);
    expect(plugin.capacity).toBe(64);
    const calls = Array.from({ length: 30 }, () => ask('GETWaitHandler', { query: `gate=${gate}` }));
    await waiting(2);
    await until(() => plugin.capacity < 10);
    expect(plugin.capacity).toBeGreaterThan(1);
    writeFileSync(gate, '');
    expect(await Promise.all(calls)).toEqual(calls.map(() => 'through'));
    expect(lines.filter(({ msg }) => /^few_threads\.so gets \d threads of the 64 that it wants/.test(msg)).length).toBeGreaterThan(0);
  });
});
