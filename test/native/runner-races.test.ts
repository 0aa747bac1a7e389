import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bodyOfParts } from '../../src/plugin/body-source';
import { processRuntime } from '../../src/runtimes/supervised/runner/runtime';
import { compileFixture } from '../support/compile';
import { makeCall } from '../support/runtime';
import { scratch } from '../support/server';
import { until } from '../support/until';
import { conformance } from '../runtimes/conformance';
import { builtRunner } from '../runtimes/supervised/built-runner';
import { askUntil, closeAll, compileInnocent, openLibrary } from '../runtimes/supervised/harness';
import { Stream } from '../runtimes/supervised/streaming';

const FLAGS = ['-g', '-O1', '-fsanitize=thread'];
/** What a process ends with at once when a race was found. */
const FOUND = 66;

const runner = path.join(scratch(), 'runner');
writeFileSync(runner, `#!/bin/sh\nTSAN_OPTIONS=halt_on_error=1:atexit_sleep_ms=0:exitcode=${FOUND} exec ${builtRunner(FLAGS)} "$@"\n`);
chmodSync(runner, 0o755);

conformance('mode "process" under ThreadSanitizer', () => processRuntime({ runner }));

describe('the runner under ThreadSanitizer', () => {
  afterEach(closeAll);

  it('has no race: quick, slow and large replies on many threads, beside calls that are withdrawn or too late', async () => {
    const symbols = ['GETQuickHandler', 'GETNapHandler', 'GETBytesHandler'];
    const { plugin, ask, lines } = await openLibrary(compileFixture('racy.c', []), symbols.slice(0, 2), { runner });
    const sized = await openLibrary(compileInnocent('sized.c'), ['GETBytesHandler', 'GETEchoHandler'], { runner, settings: { concurrency: 4 } });
    for (let round = 0; round < 4; round++) {
      const calls = Array.from({ length: 400 }, (_, i) => makeCall(plugin, i % 8 === 0 ? 1 : 0, {}, () => undefined));
      calls.forEach((call, i) => {
        plugin.call(call);
        if (i % 5 === 0) plugin.withdraw(call);
      });
      const late = Array.from({ length: 20 }, () => askUntil(plugin, 1, 5));
      const bytes = [5, 40_000, 300_000, 3_000_000, 40_000, 5];
      const large = bytes.map((length) => sized.ask('GETBytesHandler', { query: `bytes=${length}` }));
      const echoes = Array.from({ length: 100 }, () => sized.ask('GETEchoHandler', { body: Buffer.alloc(20_000, 'x') }));
      expect((await Promise.all(large)).map((text) => text.length)).toEqual(bytes);
      await Promise.all([...late, ...echoes]);
      expect(await ask('GETQuickHandler')).toBe('quick');
    }
    await until(() => plugin.outstanding === 0);
    await closeAll();
    expect([...lines, ...sized.lines].filter(({ level, msg }) => level > 30 && !msg.includes('timeout'))).toEqual([]);
  });

  it('has no race: replies in parts, questions, bodies and kept replies, some of which nobody waits for', async () => {
    const services = { ask: (_: unknown, __: string, json: string) => Promise.resolve({ isOk: true, json }), log: () => undefined };
    const options = { runner, services, settings: { concurrency: 4 } };
    const streams = await openLibrary(compileInnocent('streams.c'), ['GETPartsHandler', 'GETPollHandler'], options);
    const questions = await openLibrary(compileInnocent('questions.c'), ['GETMixHandler'], options);
    const uploads = await openLibrary(compileInnocent('body_modes.c'), ['GETSumHandler'], options);
    const keeps = await openLibrary(compileInnocent('keeps_given.c'), ['GETKeepHandler', 'GETTellHandler', 'GETEndHandler', 'GETRaceHandler'], options);
    for (let round = 0; round < 3; round++) {
      const parts = [0, 1, 2, 3].map((i) => new Stream(streams.plugin, 'GETPartsHandler', { query: `parts=100&bytes=${i * 3000}` }));
      const polls = [0, 1].map(() => new Stream(streams.plugin, 'GETPollHandler'));
      const mixes = [0, 1, 2, 3].map(() => new Stream(questions.plugin, 'GETMixHandler', { query: 'parts=30' }));
      const sums = [0, 1, 2, 3].map(() => new Stream(uploads.plugin, 'GETSumHandler', { input: bodyOfParts(Array.from({ length: 30 }, () => Buffer.alloc(30_000))) }));
      const kept = Array.from({ length: 20 }, () => new Stream(keeps.plugin, 'GETKeepHandler'));
      const races = [0, 1].flatMap((waits) => [0, 1].map(() => new Stream(keeps.plugin, 'GETRaceHandler', { query: `waits=${waits}` })));
      await until(() => kept.every(({ text }) => text === 'kept,'));
      for (const each of [...polls, kept[0]!]) each.exchange.abandon();
      await Promise.all([keeps.ask('GETTellHandler'), keeps.ask('GETTellHandler')]);
      await keeps.ask('GETEndHandler');
      for (const each of [...parts, ...mixes, ...sums, ...kept.slice(1), ...races]) expect(await each.ended()).toMatch(/^(end|reply)$/);
    }
    await closeAll();
    expect([streams, questions, uploads, keeps].flatMap(({ lines }) => lines).filter(({ level }) => level > 30)).toEqual([]);
  });

  it('is watched indeed: the race of a library is found', async () => {
    const { ask, lines, deaths } = await openLibrary(compileFixture('racy.c', FLAGS), ['GETCountHandler', 'GETNapHandler'], { runner });
    await until(async () => {
      await Promise.all(Array.from({ length: 64 }, (_, i) => ask(i % 2 === 0 ? 'GETCountHandler' : 'GETNapHandler')));
      return deaths().length > 0;
    });
    expect(deaths()[0]).toMatchObject({ status: FOUND });
    expect(lines.some(({ msg }) => msg.includes('data race'))).toBe(true);
  });
});
