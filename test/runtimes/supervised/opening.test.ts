import { chmodSync, copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DlserveError } from '../../../src/ground/errors';
import { processRuntime } from '../../../src/runtimes/supervised/runner/runtime';
import { VERSION } from '../../../src/runtimes/supervised/runner/protocol';
import { checkRunner, RUNNER } from '../../../src/runtimes/supervised/runner/executable';
import { pluginSource } from '../../support/runtime';
import { until } from '../../support/until';
import { compileFixture } from '../../support/compile';
import { builtRunner } from './built-runner';
import { closeAll, compileInnocent, open, openLibrary } from './harness';

let scratch: string;

beforeAll(() => (scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-opening-'))));
afterEach(closeAll);
afterAll(() => rmSync(scratch, { recursive: true }));

describe('a library is refused', () => {
  it.each([
    ['constructor_crash.c', 'LOAD_FAILED', 'constructor_crash.so did not load: in its constructors, it crashed: ended by SIGSEGV'],
    ['init_crash.c', 'INIT_FAILED', 'PluginInit of init_crash.so failed: it crashed: ended by SIGSEGV'],
  ])('that crashes while it is opened (%s)', async (fixture, code, message) => {
    await expect(open(fixture)).rejects.toMatchObject({ code, message });
  });

  it('that takes too long', async () => {
    const hangs = openLibrary(compileInnocent('init_hang.c'), ['GETEchoHandler'], { openLimit: 200 });
    await expect(hangs).rejects.toMatchObject({
      code: 'INIT_FAILED',
      message: 'PluginInit of init_hang.so failed: it took longer than 200 ms',
    });
  });

  it('by all its processes when one fails', async () => {
    await expect(open('init_crash.c', { settings: { workers: 3 } })).rejects.toMatchObject({ code: 'INIT_FAILED' });
  });
});

(process.platform === 'linux' ? it : it.skip)('the end of those whose sibling could not be opened is no fault of theirs', async () => {
  const children = (): string[] => readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const others = children();
  const fault = jest.fn();
  const source = pluginSource(compileInnocent('init_crash.c'), {
    symbols: [],
    settings: { mode: 'process', workers: 3 },
    observer: { resting: () => undefined, fault },
  });
  const opening = processRuntime({ runner: builtRunner() }).open(source);
  const started = children().filter((pid) => !others.includes(pid));
  expect(started).toHaveLength(3);
  await expect(opening).rejects.toMatchObject({ code: 'INIT_FAILED' });
  await until(() => children().every((pid) => !started.includes(pid)));
  expect(fault).not.toHaveBeenCalled();
});

describe('the runner', () => {
  it('that is no runner is an error with its words', async () => {
    const runner = path.join(scratch, 'runner');
    writeFileSync(runner, '#!/bin/sh\nexit 1\n');
    chmodSync(runner, 0o755);
    await expect(open('crash.c', { runner })).rejects.toMatchObject({ code: 'LOAD_FAILED', message: /exited with status 1/ });
    await expect(open('crash.c', { runner: path.join(scratch, 'none') })).rejects.toMatchObject({ code: 'UNAVAILABLE', message: /ENOENT/ });
  });

  it('that speaks another version is an error', async () => {
    const runner = path.join(scratch, 'old-runner');
    writeFileSync(runner, `#!/bin/sh\nprintf '\\030\\000\\000\\000\\001\\000\\377\\000DLSV\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >&4\nsleep 60\n`);
    chmodSync(runner, 0o755);
    const lines: string[] = [];
    const source = pluginSource(compileInnocent('crash.c'), { symbols: [] });
    const log = Object.assign(Object.create(source.log) as typeof source.log, { error: (_: unknown, line: string) => lines.push(line) });
    await expect(processRuntime({ runner }).open({ ...source, log })).rejects.toBeInstanceOf(DlserveError);
    expect(lines).toContainEqual(expect.stringContaining(`version 255 of the protocol, not ${VERSION}: run npm rebuild dlserve`));
  });

  it('is looked for where node-gyp puts it, and missed with a remedy', () => {
    expect(RUNNER).toBe(path.resolve(__dirname, '../../../build/Release/runner'));
    expect(() => checkRunner(path.join(scratch, 'absent'))).toThrow(
      expect.objectContaining({ code: 'RUNNER_MISSING', message: expect.stringContaining('npm rebuild dlserve') as unknown }) as Error,
    );
    const build = path.join(scratch, 'build');
    writeFileSync(path.join(scratch, 'failed.txt'), 'cc: not found\n');
    expect(() => checkRunner(path.join(build, 'runner'), path.join(scratch, 'failed.txt'))).toThrow(/cc: not found/);
    expect(checkRunner(builtRunner())).toBe(builtRunner());
  });
});

describe('what a process of a plugin gets', () => {
  it('is no descriptor beyond its own, and nothing to read', async () => {
    const { ask } = await openLibrary(compileInnocent('descriptors.c'), ['GETDescriptorsHandler']);
    expect(await ask('GETDescriptorsHandler')).toBe('0 1 2 0');
  });
});

describe('threads', () => {
  it.each([
    ['as the library says when PluginInit has returned', undefined, 3, 3],
    ['one, where it says something impossible', undefined, -3, 1],
    ['no more than a process can have, where it says so', undefined, 2 ** 31 - 1, 1024],
    ['as many as "any number" is', undefined, 0, 64],
    ['as the configuration says', 2, 3, 2],
    ['as many as "any number" is, where the configuration says that', 0, 3, 64],
  ])('%s', async (_, concurrency, threads, capacity) => {
    const settings = { concurrency, config: { threads } };
    const { plugin } = await openLibrary(compileFixture('concurrency.c'), ['GETTestHandler'], { settings });
    expect(plugin.capacity).toBe(capacity);
  });
});

describe('a library that changes', () => {
  it('is told in the log when a new process runs it', async () => {
    const library = path.join(scratch, 'changing.so');
    copyFileSync(compileInnocent('crash.c'), library);
    const { ask, lines, deaths } = await openLibrary(library, ['GETFaultHandler', 'GETEchoHandler']);
    // The first crash's line shows that the file was looked at; the answer, that a new process has it.
    await ask('GETFaultHandler');
    await until(() => deaths().length === 1);
    await ask('GETEchoHandler');
    copyFileSync(compileInnocent('abort.c'), `${library}.new`);
    renameSync(`${library}.new`, library);
    await ask('GETFaultHandler');
    await until(() => lines.some((line) => line.msg.includes('has changed since it was opened')));
    await ask('GETFaultHandler');
    await until(() => deaths().length === 3);
    expect(deaths().map((line) => line.signal)).toEqual(['SIGSEGV', 'SIGSEGV', 'SIGABRT']);
    expect(deaths()[2]!.sha256).not.toBe(deaths()[0]!.sha256);
  });
});

it('what a plugin prints reaches the log, line by line', async () => {
  const { ask, lines } = await openLibrary(compileFixture('prints.c'), ['GETPrintHandler', 'GETEndHandler']);
  const printed = (stream: string): string[] => lines.filter((line) => line.stream === stream).map((line) => line.msg);
  await ask('GETPrintHandler');
  await until(() => printed('stdout').length >= 3 && printed('stderr').length >= 1);
  expect(printed('stdout')).toEqual(['out one', 'out two', 'out three']);
  expect(printed('stderr')).toEqual(['err one']);
  expect(lines[0]).toMatchObject({ plugin: 'prints', pid: expect.any(Number) as unknown });
  expect(await ask('GETEndHandler')).toBe('PLUGIN_CRASHED');
  await until(() => printed('stdout').includes('the end'));
  expect(printed('stdout').slice(3).map((line) => line.length)).toEqual([8192, 8192, 20000 - 2 * 8192, 'the end'.length]);
});
