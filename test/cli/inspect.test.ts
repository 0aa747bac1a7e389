import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { inspect } from '../../src/cli/inspect/inspect';
import type { Findings } from '../../src/cli/inspect/findings';
import { thisSystem } from '../../src/binary/system';
import type { DlserveError } from '../../src/ground/errors';
import { compile, compileFixture } from '../support/compile';
import { scratch, startServer } from '../support/server';
import { buildLibrary, findings } from './findings';

const fixtures = path.join(__dirname, '../fixtures/libraries');
const main = path.join(__dirname, '../../dist/cli/main.js');
let folder: string;

beforeEach(() => {
  folder = scratch();
});

function build(name: string, source: string, ...flags: string[]): string {
  return buildLibrary(folder, name, source, ...flags);
}

function refusal(file: string): Promise<string> {
  return inspect(file, false).then(
    () => 'it was read',
    (error: unknown) => `${(error as DlserveError).code} ${(error as DlserveError).message}`,
  );
}

function copied(name: string): string {
  const file = path.join(folder, name);
  copyFileSync(compile(path.join(fixtures, 'handlers.c')), file);
  return file;
}

test('says what a library offers', async () => {
  const file = copied('hello.so');
  expect(await findings(file)).toMatchObject({
    file,
    fits: true,
    misfit: null,
    go: false,
    handlers: [
      { method: 'GET', func: 'Hello', symbol: 'GETHelloHandler', url: '/_PLUGIN/hello/Hello' },
      { method: 'POST', func: 'Hello', symbol: 'POSTHelloHandler', url: '/_PLUGIN/hello/Hello' },
      { method: 'GET', func: 'Protected', symbol: 'GETProtectedHandler', url: '/_PLUGIN/hello/Protected' },
      { method: 'PUT', func: 'Weak', symbol: 'PUTWeakHandler', url: '/_PLUGIN/hello/Weak' },
    ],
    abi: [
      { symbol: 'PluginABI', state: 'found' },
      { symbol: 'PluginFree', state: 'missing' },
      { symbol: 'PluginBody', state: 'missing' },
      { symbol: 'PluginConcurrency', state: 'missing' },
      { symbol: 'PluginInit', state: 'missing' },
      { symbol: 'PluginStop', state: 'found' },
      { symbol: 'PluginRoutes', state: 'missing' },
      { symbol: 'PluginFactory', state: 'missing' },
    ],
  });
  const text = await inspect(file, false);
  expect(text).toMatch(/^.*hello\.so: .* library for .*; fits this host\n/);
  expect(text).toMatch(/\n {2}POST {2}\/_PLUGIN\/hello\/Hello +POSTHelloHandler\n/);
  expect(text).toMatch(/\n {2}missing {2}PluginFree +what handlers return is never freed/);
  expect(text).toMatch(/\n {2}found {4}PluginStop +called once before/);
  expect(text).toContain('GETDataHandler is data, not a function');
  expect(text).not.toContain('Built by Go');
  expect(text).not.toMatch(/ \n/);
});

test('says that a library has routes of its own, and a factory that must be an object', async () => {
  const file = compileFixture('routes.c');
  expect(JSON.parse(await inspect(file, true))).toMatchObject({
    problems: [],
    abi: expect.arrayContaining([
      expect.objectContaining({ symbol: 'PluginRoutes', state: 'found' }),
      expect.objectContaining({ symbol: 'PluginFactory', state: 'found' }),
    ]) as unknown,
  });
  const wrong = path.join(scratch(), 'wrong.c');
  writeFileSync(wrong, 'void *PluginFactory(void) { return 0; }\nconst char PluginRoutes[] = "[]";\n');
  const text = await inspect(compile(wrong), false);
  expect(text).toContain('PluginFactory must be an object of the type dlserve_plugin, and is a function in it');
  expect(text).toMatch(/\n {2}data +PluginRoutes +it is data and must be a function/);
});

test('says of a library for another machine that it does not fit, and nothing of what is on this host', async () => {
  const file = path.join(folder, 'other.so');
  writeFileSync(file, gunzipSync(readFileSync(path.join(fixtures, 's390x-linux-gnu.gz'))));
  const read = await findings(file);
  expect(read).toMatchObject({
    machine: 's390x',
    fits: false,
    needed: [{ name: 'libc.so.6', path: null, searched: false }],
  });
  expect(read.misfit).toContain('built for s390x');
  const text = await inspect(file, false);
  expect(text).toContain('does not fit this host: it was built for s390x');
  expect(text).toContain('not searched on this host');
  expect(text).not.toContain('NOT FOUND');
});

if (process.platform === 'linux') {
  test('says of a library that needs another C library, or a newer one, that it does not fit', async () => {
    const versions = path.join(folder, 'versions.map');
    writeFileSync(versions, 'GLIBC_2.999 { *; };\n');
    const flags = ['-nostdlib', `-Wl,--version-script=${versions}`];
    const inspected = async (libc: string): Promise<Findings> => {
      const stub = build(`stub/${libc}`, 'int needed(void) { return 1; }', `-Wl,-soname,${libc}`, ...flags);
      return findings(build('hello.so', 'int needed(void); char *GETHelloHandler(void) { return needed() ? "1" : 0; }', '-nostdlib', '-x', 'none', stub));
    };
    const { libc } = await thisSystem();
    const newer = await inspected('libc.so.6');
    expect(newer).toMatchObject({ fits: false, libc: 'glibc' });
    expect(newer.misfit).toMatch(libc === 'glibc' ? /^it needs glibc 2\.999 or later, this host has \d+\.\d+: / : /^it was linked with glibc/);
    const other = await inspected(libc === 'musl' ? 'libc.so.6' : 'libc.so');
    expect(other).toMatchObject({ fits: false, needed: [{ path: null, searched: false }] });
    expect(other.misfit).toMatch(/^it was linked with /);
  });
}

test('says why a library has no handler', async () => {
  const file = build('hello.so', 'class X {}; char *GETHelloHandler(const char *r) { return (char *) r; }');
  expect((await findings(file)).problems).toEqual([
    'GETHelloHandler is there with a C++ name only (_Z15GETHelloHandlerPKc): declare it extern "C"',
    'it exports no handler: a handler is a function named like GETHelloHandler',
  ]);
});

test('says of a function that is no handler what the answer 404 says', async () => {
  const sources = ['handlers.c', 'hidden.c', 'mangled.cc'].map((name) => path.join(fixtures, name));
  mkdirSync(path.join(folder, 'lib'));
  const files = sources.map((source) => path.join(folder, 'lib', `${path.parse(source).name}.so`));
  for (const [i, source] of sources.entries()) copyFileSync(compile(source), files[i]!);
  const server = await startServer([], { cwd: folder });
  for (const file of files) {
    const { problems } = await findings(file);
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) {
      const [, func] = /^[A-Z]+?([A-Z][a-z]+)Handler /.exec(problem)!;
      const plugin = path.parse(file).name;
      const answer = await fetch(`${server.url}/_PLUGIN/${plugin}/${func!}`, { method: problem.startsWith('DELETE') ? 'DELETE' : 'GET' });
      expect(answer.status).toBe(404);
      const symbol = problem.slice(0, problem.indexOf(' '));
      expect(await answer.json()).toMatchObject({ code: 'HANDLER_NOT_FOUND', error: `no handler ${symbol} in ${plugin}: ${problem}` });
    }
  }
  await server.stop();
});

test('says what keeps a library from being found or called', async () => {
  expect((await findings(copied('hello.lib'))).problems.join('\n')).toContain('its name must end in ');
  expect((await findings(copied('-hello world.so'))).problems.join('\n')).toContain(
    '"-hello world" can\'t be part of a URL',
  );
  const file = build('abi.so', 'int PluginInit = 1; char *GETHelloHandler(void) { return "1"; }');
  expect((await findings(file)).abi).toContainEqual({
    symbol: 'PluginInit',
    state: 'data',
    meaning: 'it is data and must be a function',
  });
  expect((await findings(file)).problems).toEqual(['PluginInit must be a function, and is data in it']);
});

test('says what follows from a library being built by Go', async () => {
  writeFileSync(
    path.join(folder, 'hello.go'),
    'package main\n\nimport "C"\n\n//export GETHelloHandler\nfunc GETHelloHandler(request *C.char) *C.char { return C.CString("hi") }\n\nfunc main() {}\n',
  );
  const file = path.join(folder, 'hello.so');
  execFileSync('go', ['build', '-buildmode=c-shared', '-ldflags=-s -w', '-o', file, 'hello.go'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expect(await findings(file)).toMatchObject({ go: true, fits: true, handlers: [{ url: '/_PLUGIN/hello/Hello' }] });
  const text = await inspect(file, false);
  expect(text).toContain('\nBuilt by Go\n');
  expect(text).toContain('mode = "process" has none of these limits');
});

test('a file that is no library gets a sentence', async () => {
  writeFileSync(path.join(folder, 'text.so'), 'hello\n');
  writeFileSync(path.join(folder, 'empty.so'), '');
  expect(await refusal(path.join(folder, 'text.so'))).toMatch(/^BAD_LIBRARY .*text\.so is not a library: it is text$/);
  expect(await refusal(path.join(folder, 'empty.so'))).toMatch(/it is empty$/);
  expect(await refusal(path.join(folder, 'nothing.so'))).toMatch(/there is no such file$/);
  expect(await refusal(folder)).toMatch(/it is a folder$/);
  expect(await refusal('/dev/null')).toMatch(/it is no regular file$/);
});

test('as a command it prints JSON and exits with 0, or one line and 1', () => {
  const good = spawnSync(process.execPath, [main, 'inspect', '--json', copied('hello.so')], { encoding: 'utf8' });
  expect(good).toMatchObject({ status: 0, stderr: '' });
  expect((JSON.parse(good.stdout) as Findings).handlers).toHaveLength(4);
  const bad = spawnSync(process.execPath, [main, 'inspect', path.join(folder, 'no.so')], { encoding: 'utf8' });
  expect(bad).toMatchObject({ status: 1, stdout: '' });
  expect(bad.stderr).toBe(`dlserve: ${path.join(folder, 'no.so')} is not a library: there is no such file\n`);
});
