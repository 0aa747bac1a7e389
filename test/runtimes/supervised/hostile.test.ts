import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileFixture } from '../../support/compile';
import { callWithin, head } from '../../support/runtime';
import { scratch } from '../../support/server';
import { until } from '../../support/until';
import { askUntil, closeAll, isAlive, openLibrary } from './harness';

afterEach(closeAll);

const INNOCENT = `${head()}null}`;
const SYMBOLS = ['GETFaultHandler', 'GETEchoHandler', 'GETPidHandler'];

const headers = ['native/runner/shared.h', 'native/runner/protocol.h', 'test/fixtures/native/attack.h', 'test/fixtures/native/innocent.h'];
const content = headers.map((file) => readFileSync(path.resolve(__dirname, '../../..', file), 'utf8')).join('');
const HEADERS = createHash('sha256').update(content).digest('hex').slice(0, 8);

/** The library shares a file and a socket with the runner in its process, and may write what it likes. It finds them as Linux lets it. */
(process.platform === 'linux' ? describe : describe.skip)('a hostile library', () => {
  // Where it can't be told what has begun, nothing that was sent is sent again.
  const isLost = (fixture: string): boolean => fixture === 'attack_begun.c';

  it.each<[fixture: string, answer: string, fault: RegExp | null]>([
    ['attack_begun.c', 'PLUGIN_CRASHED', /^the runner sent impossible progress: \d+ calls begun/],
    ['attack_denial.c', 'TIMEOUT', null],
    ['attack_taken.c', 'PLUGIN_CRASHED', /^the runner sent impossible progress: \d+ bytes taken/],
    ['attack_committed.c', 'PLUGIN_CRASHED', /^the runner sent impossible progress: \d+ bytes committed/],
    ['attack_withdrawn.c', 'PLUGIN_CRASHED', /^the runner sent impossible progress: 0 bytes committed/],
    ['attack_claim.c', 'TIMEOUT', /^the runner sent a frame of 0 bytes/],
    ['attack_stage.c', 'PLUGIN_CRASHED', /^the runner sent impossible progress: stage 99/],
    ['attack_confession.c', 'TIMEOUT', null],
    ['attack_drip.c', 'TIMEOUT', null],
    ['attack_return.c', 'PLUGIN_CRASHED', /^the runner sent impossible progress: stage 1/],
  ])('is ended, and others answer (%s)', async (fixture, answer, fault) => {
    const { plugin, ask, lines } = await openLibrary(compileFixture(fixture, [`-DHEADERS=0x${HEADERS}`]), SYMBOLS);
    const pid = Number(await ask('GETPidHandler'));
    const guilty = askUntil(plugin, 0, answer === 'TIMEOUT' ? 300 : 20_000);
    const behind = Array.from({ length: 5 }, () => ask('GETEchoHandler', { body: Buffer.alloc(30_000, 'x') }));
    expect(await guilty).toBe(answer);
    for (const echo of await Promise.all(behind)) expect(echo.slice(0, head().length)).toBe(isLost(fixture) ? 'PLUGIN_CRASHED' : head());
    await until(() => !isAlive(pid));
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
    expect(lines.filter(({ msg }) => msg.startsWith('the runner sent')).map(({ msg }) => msg)).toEqual(fault === null ? [] : [expect.stringMatching(fault)]);
    expect(plugin.outstanding).toBe(0);
  });

  it('is ended in time whatever it says of when its call began', async () => {
    const { plugin, ask } = await openLibrary(compileFixture('attack_since.c', [`-DHEADERS=0x${HEADERS}`]), SYMBOLS);
    const pid = Number(await ask('GETPidHandler'));
    const start = performance.now();
    expect(await callWithin(plugin, 0, { timeout: 300 })).toBe('TIMEOUT');
    await until(() => !isAlive(pid));
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
  });

  it('is ended also while other calls run in it', async () => {
    const library = compileFixture('attack_confession.c', [`-DHEADERS=0x${HEADERS}`]);
    const { plugin, ask, waiting, lines } = await openLibrary(library, [...SYMBOLS, 'GETWaitHandler'], { settings: { concurrency: 2 } });
    const pid = Number(await ask('GETPidHandler'));
    const guilty = askUntil(plugin, 0, 3000);
    await until(() => lines.some(({ msg }) => msg === 'denying'));
    const beside = ask('GETWaitHandler', { query: 'gate=/never' });
    await waiting();
    expect([await guilty, await beside]).toEqual(['TIMEOUT', 'PLUGIN_CRASHED']);
    expect(isAlive(pid)).toBe(false);
    expect(await ask('GETEchoHandler')).toBe(INNOCENT);
  });

  it('has no more than one call given to another process that it has begun itself', async () => {
    const library = compileFixture('attack_retraction.c', [`-DHEADERS=0x${HEADERS}`]);
    const { plugin, ask, waiting, lines } = await openLibrary(library, [...SYMBOLS, 'GETWaitHandler']);
    const gate = path.join(scratch(), 'gate');
    await ask('GETPidHandler');
    const guilty = askUntil(plugin, 0, 300);
    const beside = [1, 2, 3].map(() => ask('GETWaitHandler', { query: `gate=${gate}` }));
    await waiting(3);
    expect(await guilty).toBe('TIMEOUT');
    await until(() => lines.some(({ msg }) => /^the runner sent impossible progress: \d calls begun/.test(msg)));
    writeFileSync(gate, '');
    expect((await Promise.all(beside)).filter((answer) => answer !== 'PLUGIN_CRASHED').length).toBeLessThanOrEqual(1);
  });

  it('that opens with more threads than there can be is no plugin', async () => {
    const library = compileFixture('attack_crowd.c', [`-DHEADERS=0x${HEADERS}`]);
    await expect(openLibrary(library, SYMBOLS)).rejects.toMatchObject({ code: 'LOAD_FAILED' });
  });

  it('says only once that it gets fewer threads', async () => {
    const { ask, lines } = await openLibrary(compileFixture('attack_threads.c', [`-DHEADERS=0x${HEADERS}`]), SYMBOLS);
    expect(await ask('GETFaultHandler')).toBe('through');
    expect(lines.filter(({ msg }) => msg.includes(' threads of the '))).toHaveLength(1);
  });
});
