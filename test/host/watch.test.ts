import { execFileSync } from 'node:child_process';
import { appendFileSync, closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createLog } from '../../src/ground/log';
import { readBinary } from '../../src/binary/read';
import { NO_BUILDS, startBuilds, type Builds } from '../../src/host/builds';
import { watchPlugins, type Watching } from '../../src/host/watch';
import { compileFixture } from '../support/compile';
import { scratch } from '../support/server';
import { until } from '../support/until';

const says = (text: string): string => `char *GETSayHandler(void) { return "${text}"; }\n`;

const open: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

interface Watched {
  readonly folder: string;
  readonly builds: Builds;
  /** What was told: `reload hello`, in order. */
  readonly told: string[];
  /** What each library was when it was handed on. */
  readonly handed: Buffer[];
  readonly watching: Watching;
}

async function watched(files: Readonly<Record<string, string>> = {}, { build = true, polling = false } = {}): Promise<Watched> {
  const folder = path.join(scratch(), 'lib');
  mkdirSync(path.join(folder, 'src'), { recursive: true });
  for (const [name, text] of Object.entries(files)) save(folder, name, text);
  const log = createLog('silent');
  const builds = build ? startBuilds({ pluginpath: folder, log }) : NO_BUILDS;
  const told: string[] = [];
  const handed: Buffer[] = [];
  await builds.finished;
  const target = {
    reload: (name: string) => {
      told.push(`reload ${name}`);
      const library = path.join(folder, `${name}.so`);
      if (existsSync(library)) handed.push(readFileSync(library));
      return Promise.resolve();
    },
    remove: (name: string) => Promise.resolve(void told.push(`remove ${name}`)),
  };
  const watching = watchPlugins({ pluginpath: folder, builds, target, log, polling });
  open.push({ close: async () => Promise.all([watching.close(), builds.stop()]).then(() => undefined) });
  await watching.ready;
  return { folder, builds, told, handed, watching };
}

function save(folder: string, name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

function library(...fixtures: string[]): Buffer {
  return readFileSync(compileFixture(...(fixtures as [string])));
}

describe.each([[false], [true]])('a library (polling: %j)', (polling) => {
  test('that is renamed or copied into place is handed on, and removed when it is gone', async () => {
    const { folder, told } = await watched({}, { build: false, polling });
    const to = path.join(folder, 'x.so');
    writeFileSync(path.join(folder, '.new'), library('echo.c'));
    renameSync(path.join(folder, '.new'), to);
    await until(() => told.length === 1);
    writeFileSync(path.join(folder, '.new'), library('gate.c'));
    renameSync(path.join(folder, '.new'), to);
    await until(() => told.length === 2);
    copyFileSync(compileFixture('big_reply.c'), to);
    await until(() => told.length === 3);
    execFileSync('cp', [compileFixture('echo.c'), to]);
    await until(() => told.length === 4);
    rmSync(to);
    await until(() => told.length === 5);
    expect(told).toEqual([...Array<string>(4).fill('reload x'), 'remove x']);
  });
});

test('a library is never handed on while it is half copied, however slow that is', async () => {
  const { folder, told, handed } = await watched({}, { build: false });
  const bytes = library('echo.c');
  const file = openSync(path.join(folder, 'x.so'), 'w');
  const part = Math.ceil(bytes.length / 5);
  for (let at = 0; at < bytes.length; at += part) {
    writeSync(file, bytes.subarray(at, at + part));
    // Longer than a library must have been left alone.
    await pause(at === 0 ? 2_500 : 300);
  }
  closeSync(file);
  await until(() => told.length === 1);
  expect(handed[0]!.equals(bytes)).toBe(true);
  await expect(readBinary(handed[0]!)).resolves.toBeDefined();
});

test('what is no library, is hidden, or lies elsewhere is nobody\'s', async () => {
  const { folder, told } = await watched({ 'src/a.c': says('a') });
  for (const name of ['.dlserve/x.so', '.hidden.so', 'notes.txt', 'deeper/x.so', 'src/.a.c.swp', 'src/a.c~']) save(folder, name, 'x');
  writeFileSync(path.join(folder, 'no.so'), 'this is no library');
  writeFileSync(path.join(folder, 'yes.so'), library('echo.c'));
  await until(() => told.length > 0);
  expect(told).toEqual(['reload yes']);
});

test('sources that are saved, new or deleted are built and handed on, each once', async () => {
  const { folder, told, builds } = await watched({ 'src/a.c': says('a'), 'src/b.c': '#include "common.h"\nchar *GETSayHandler(void) { return WORD; }\n', 'src/common.h': '#define WORD "b"\n' });
  save(folder, 'src/a.c', says('other'));
  await until(() => told.length === 1);
  save(folder, 'src/shop/main.c', says('new'));
  await until(() => told.length === 2);
  save(folder, 'src/common.h', '#define WORD "c"\n');
  await until(() => told.length === 3);
  save(folder, 'src/a.c', 'no C');
  await until(() => told.length === 4);
  expect(builds.unfinished().get('a')).toMatchObject({ code: 'BUILD_FAILED' });
  save(folder, 'src/a.c', says('other'));
  await until(() => told.length === 5);
  expect(builds.unfinished().size).toBe(0);
  rmSync(path.join(folder, 'src/shop'), { recursive: true });
  await until(() => told.length === 6);
  expect(told).toEqual(['reload a', 'reload shop', 'reload b', 'reload a', 'reload a', 'remove shop']);
  expect(existsSync(path.join(folder, 'shop.so'))).toBe(false);
  appendFileSync(path.join(folder, 'src/a.c'), '\n');
  await until(() => told.length === 7);
  // What was built is seen as a library too, and was handed on already.
  await pause(300);
  expect(told).toHaveLength(7);
});

test('a header outside of the sources counts too, and a library that is deleted is built again', async () => {
  const { folder, told } = await watched({ '../include/word.h': '#define WORD "a"\n', 'src/a.c': '#include "../../include/word.h"\nchar *GETSayHandler(void) { return WORD; }\n' });
  await pause(100);
  save(folder, '../include/word.h', '#define WORD "b"\n');
  await until(() => told.length === 1);
  rmSync(path.join(folder, 'a.so'));
  await until(() => told.length === 2);
  expect(told).toEqual(['reload a', 'reload a']);
  expect(existsSync(path.join(folder, 'a.so'))).toBe(true);
});

test('folders that come later are watched', async () => {
  const { folder, told } = await watched({ 'src/a.c': says('a') });
  rmSync(path.join(folder, 'src'), { recursive: true });
  await pause(300);
  save(folder, 'src/b.c', says('b'));
  await until(() => told.includes('reload b'));
});

test('a library that is a link: led elsewhere, and replaced where it leads', async () => {
  const folder = path.join(scratch(), 'lib');
  mkdirSync(folder);
  const told: string[] = [];
  const target = { reload: (name: string) => Promise.resolve(void told.push(`reload ${name}`)), remove: () => Promise.resolve() };
  const watching = watchPlugins({ pluginpath: folder, builds: NO_BUILDS, target, log: createLog('silent') });
  open.push(watching);
  await watching.ready;
  for (const [version, fixture] of [['v1', 'echo.c'], ['v2', 'status.c'], ['v3', 'abort.c']] as const) {
    mkdirSync(path.join(folder, 'releases', version), { recursive: true });
    writeFileSync(path.join(folder, 'releases', version, 'linked.so'), library(fixture));
  }
  const lead = (version: string): void => {
    symlinkSync(`releases/${version}/linked.so`, path.join(folder, 'next'));
    renameSync(path.join(folder, 'next'), path.join(folder, 'linked.so'));
  };
  lead('v1');
  await until(() => told.length === 1);
  lead('v2');
  await until(() => told.length === 2);
  renameSync(path.join(folder, 'releases/v3/linked.so'), path.join(folder, 'releases/v2/linked.so'));
  await until(() => told.length === 3);
  expect(new Set(told)).toEqual(new Set(['reload linked']));
});
