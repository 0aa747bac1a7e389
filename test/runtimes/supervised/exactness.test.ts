import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../support/until';
import { closeAll, compileInnocent, open, openLibrary, type Opened } from './harness';

let scratch: string;

beforeAll(() => (scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-exactness-'))));
afterEach(closeAll);
afterAll(() => rmSync(scratch, { recursive: true }));

/** How often each call has run, by its number. */
function runs(tally: string): Map<number, number> {
  const counts = new Map<number, number>();
  for (const line of readFileSync(tally, 'utf8').trimEnd().split('\n')) {
    counts.set(Number(line), (counts.get(Number(line)) ?? 0) + 1);
  }
  return counts;
}

/** Requests that the log names as lost. */
const lost = (opened: Opened): Set<string> => new Set(opened.deaths().flatMap((line) => line.requests as string[]));

describe('under full load, with crashes and with runners killed from outside', () => {
  it.each([
    { concurrency: 1, workers: 1 },
    { concurrency: 4, workers: 1 },
    { concurrency: 1, workers: 2 },
    { concurrency: 4, workers: 2 },
  ])('each call runs once at most, and each that is not lost is answered ($workers processes, $concurrency threads)', async (settings) => {
    const tally = path.join(scratch, `tally-${settings.concurrency}-${settings.workers}`);
    const opened = await openLibrary(compileInnocent('tally.c'), ['GETNoteHandler', 'GETFaultHandler', 'GETPidHandler', 'GETLargeHandler'], {
      settings: { ...settings, crashes: 1e6, config: { tally } },
    });
    const CALLS = 4000;
    const isGuilty = (n: number): boolean => n % 97 === 0;
    const isLarge = (n: number): boolean => n % 20 === 0;
    const symbolOf = (n: number): string => (isGuilty(n) ? 'GETFaultHandler' : isLarge(n) ? 'GETLargeHandler' : 'GETNoteHandler');
    const answers = new Map<number, string>();
    let next = 1;
    let kills = 0;
    const client = async (): Promise<void> => {
      while (next <= CALLS) {
        const n = next++;
        const killer = n % 400 === 0 ? opened.ask('GETPidHandler') : null;
        answers.set(n, await opened.ask(symbolOf(n), { id: String(n), query: `n=${n}` }));
        const pid = Number(await killer);
        if (!(pid > 0)) continue;
        try {
          process.kill(pid, 'SIGKILL');
          kills++;
        } catch {
          // It has crashed already.
        }
      }
    };
    await Promise.all(Array.from({ length: 64 }, client));
    const counts = runs(tally);
    await until(() => [...answers].every(([n, answer]) => answer !== 'PLUGIN_CRASHED' || lost(opened).has(String(n))));
    const named = lost(opened);
    for (let n = 1; n <= CALLS; n++) {
      const answer = answers.get(n)!;
      if (isGuilty(n) || named.has(String(n))) {
        expect([n, answer]).toEqual([n, 'PLUGIN_CRASHED']);
        expect(counts.get(n) ?? 0).toBeLessThanOrEqual(1);
      } else {
        expect([n, Number(answer), answer.length, counts.get(n)]).toEqual([n, n, isLarge(n) ? 1024 * 1024 : 16, 1]);
      }
    }
    expect(kills).toBeGreaterThan(0);
    expect(opened.plugin.outstanding).toBe(0);
  });
});

describe('one thread', () => {
  it('loses the one call that runs when its runner is killed, and none of those behind it', async () => {
    const opened = await open('crash.c');
    const pid = Number(await opened.ask('GETPidHandler'));
    const running = opened.ask('GETWaitHandler', { query: 'gate=/never', id: 'running' });
    const behind = Array.from({ length: 100 }, () => opened.ask('GETEchoHandler'));
    await opened.waiting();
    process.kill(pid, 'SIGKILL');
    expect(await running).toBe('PLUGIN_CRASHED');
    for (const answer of await Promise.all(behind)) expect(answer).toContain('"body":null}');
    await until(() => opened.deaths().length === 1);
    expect(opened.deaths()[0]).toMatchObject({ requests: ['running'], signal: 'SIGKILL' });
  });

  it('gives replies that were finished but not sent', async () => {
    const opened = await openLibrary(compileInnocent('crash.c'), ['GETEchoHandler', 'GETFaultHandler']);
    for (let round = 0; round < 20; round++) {
      const before = Array.from({ length: 40 }, () => opened.ask('GETEchoHandler'));
      const crash = opened.ask('GETFaultHandler');
      for (const answer of await Promise.all(before)) expect(answer).toContain('"body":null}');
      expect(await crash).toBe('PLUGIN_CRASHED');
    }
  });

  it('answers what is done while another call is slow', async () => {
    const { ask } = await open('crash.c');
    const pid = Number(await ask('GETPidHandler'));
    const quick = Array.from({ length: 20 }, () => ask('GETEchoHandler'));
    const slow = ask('GETWaitHandler', { query: 'gate=/never' });
    await Promise.all(quick);
    process.kill(pid, 'SIGKILL');
    expect(await slow).toBe('PLUGIN_CRASHED');
  });
});
