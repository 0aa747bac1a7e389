import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compileFixture } from '../../support/compile';
import { until } from '../../support/until';
import { head, makeCall } from '../../support/runtime';
import { closeAll, compileInnocent, isAlive, open, openLibrary } from './harness';

afterEach(closeAll);

const INNOCENT = `${head()}null}`;

describe('a crash costs one request', () => {
  const faults: [fixture: string, words: RegExp, memory?: number][] = [
    ['crash.c', /ended by SIGSEGV/],
    ['abort.c', /ended by SIGABRT/],
    ['fpe.c', /ended by SIGFPE/],
    ['exit_zero.c', /exited with status 0/],
    ['underscore_exit.c', /exited with status 3/],
    ['stack_overflow.c', /ended by SIG(SEGV|BUS)/],
    ['endless_allocation.c', /ended by SIG(SEGV|KILL|BUS)/, 128 * 1024 * 1024],
  ];

  it.each(faults)('%s', async (fixture, words, memory = 0) => {
    const { plugin, ask, deaths, library } = await open(fixture, { settings: { memory } });
    const answers = await Promise.all([
      ask('GETEchoHandler'), ask('GETEchoHandler'), ask('GETFaultHandler', { id: 'guilty' }), ask('GETEchoHandler'), ask('GETEchoHandler'),
    ]);
    expect(answers).toEqual([INNOCENT, INNOCENT, 'PLUGIN_CRASHED', INNOCENT, INNOCENT]);
    await until(() => deaths().length > 0);
    const [line] = deaths();
    expect(line).toMatchObject({
      level: 50,
      plugin: fixture.replace('.c', ''),
      handlers: ['GETFaultHandler'],
      requests: ['guilty'],
      sha256: createHash('sha256').update(readFileSync(library)).digest('hex'),
      msg: expect.stringMatching(words) as unknown,
    });
    expect(line!.pid).toEqual(expect.any(Number));
    expect(deaths()).toHaveLength(1);
    expect(plugin.outstanding).toBe(0);
  });

  it('says in the error what happened', async () => {
    const { plugin } = await open('crash.c');
    const error = await new Promise((resolve) => {
      plugin.call(makeCall(plugin, 0, { deadline: Infinity }, (failure) => resolve(failure)));
    });
    expect(error).toMatchObject({
      code: 'PLUGIN_CRASHED',
      status: 502,
      message: 'test crashed in GETFaultHandler: ended by SIGSEGV',
    });
  });

  it('and a large body that waits behind it arrives whole', async () => {
    const { ask } = await open('crash.c');
    const text = 'ä'.repeat(1_000_000);
    const crash = ask('GETFaultHandler');
    expect(await ask('GETEchoHandler', { body: Buffer.from(text) })).toBe(`${head()}${JSON.stringify(text)}}`);
    expect(await crash).toBe('PLUGIN_CRASHED');
  });
});

describe('also survived', () => {
  it('a thread of the library that crashes while no handler runs', async () => {
    const { ask, deaths } = await open('idle_thread_crash.c');
    expect(await ask('GETFaultHandler')).toBe('soon');
    await until(() => deaths().length > 0);
    expect(deaths()[0]).toMatchObject({ requests: [], msg: expect.stringContaining('while no handler was running') as unknown });
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
  });

  it('a crash in PluginFree: the reply was made before', async () => {
    const { ask, deaths } = await openLibrary(compileFixture('free_crash.c'), ['GETFaultHandler']);
    expect(await ask('GETFaultHandler')).toBe('given');
    await until(() => deaths().length > 0);
  });

  it('a handler that closes every descriptor: its reply is in the shared file', async () => {
    const { ask, deaths } = await open('close_all.c');
    expect(await Promise.all([ask('GETFaultHandler'), ask('GETEchoHandler')])).toEqual(['closed', INNOCENT]);
    await until(() => deaths().length > 0);
  });

  it('a handler that writes garbage to descriptor 3', async () => {
    const { ask, deaths } = await open('garbage_fd3.c');
    expect(await ask('GETFaultHandler')).toBe('refused');
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
    expect(deaths()).toEqual([]);
  });

  it('a handler that writes garbage to every descriptor', async () => {
    const { ask, lines, deaths } = await open('garbage_everywhere.c');
    expect(await Promise.all([ask('GETFaultHandler'), ask('GETEchoHandler')])).toEqual(['PLUGIN_CRASHED', INNOCENT]);
    await until(() => deaths().length > 0);
    expect(lines.map((line) => line.msg)).toContainEqual(expect.stringMatching(/the runner sent a frame of \d+ bytes/));
    expect(deaths()[0]!.msg).toContain('it broke the protocol');
  });

  it.each(['fork.c', 'raw_fork.c'])('a handler that forks: one answer, from the original (%s)', async (fixture) => {
    const { ask, deaths } = await open(fixture);
    for (let i = 0; i < 5; i++) expect(await ask('GETFaultHandler')).toBe('the original');
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
    expect(deaths()).toEqual([]);
  });

  it("a handler's fork that forks: each ends as it likes", async () => {
    const { ask } = await open('fork_twice.c');
    for (let i = 0; i < 5; i++) expect(await ask('GETFaultHandler')).toBe('7');
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
  });

  it.each(['fork.c', 'fork_twice.c'])('processes that a handler leaves behind: they end with the runner (%s)', async (fixture) => {
    const { ask } = await openLibrary(compileInnocent(fixture), ['GETLeaveHandler', 'GETPidHandler']);
    const left = (await ask('GETLeaveHandler')).split(' ').map(Number);
    expect(left.every(isAlive)).toBe(true);
    process.kill(Number(await ask('GETPidHandler')), 'SIGKILL');
    await until(() => !left.some(isAlive));
  });
});
