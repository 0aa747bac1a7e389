import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { until } from '../support/until';
import { build, call, library, pluginpath, removeFolders, toolchain, write } from './support';

afterAll(removeFolders);

const says = (text: string): string => `const char *GETSayHandler(void) { return "${text}"; }\n`;

/** A C compiler that waits for a file before it begins, and leaves a trace of itself. */
function gatedCompiler(folder: string) {
  const cc = path.join(folder, 'gated-cc');
  const gate = path.join(folder, 'gate');
  const trace = path.join(folder, 'trace');
  writeFileSync(
    cc,
    `#!/bin/sh
     case "$1" in --version) exec cc --version;; esac
     echo begin $$ >> '${trace}'
     while [ ! -e '${gate}' ]; do sleep 0.02; done
     cc "$@"; status=$?
     echo end $$ >> '${trace}'
     exit $status\n`,
  );
  chmodSync(cc, 0o755);
  return {
    env: { ...process.env, CC: cc },
    open: () => writeFileSync(gate, ''),
    trace: () => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : []),
  };
}

test('a request waits for its own plugin while it is built, and for no other', async () => {
  const folder = pluginpath({ 'src/slow.c': says('slow'), 'src/quick.cc': '' });
  const gated = gatedCompiler(folder);
  const { chain, events } = toolchain(folder, { env: gated.env, jobs: 2 });
  const all = chain.build();
  // Before it is known which sources there are.
  const early = chain.wait('slow');
  const stranger = chain.wait('stranger');
  expect(early).toBeInstanceOf(Promise);
  await stranger;

  await until(() => chain.ended.get('quick')?.state === 'built');
  expect(chain.wait('quick')).toBeUndefined();
  expect(chain.wait('stranger')).toBeUndefined();
  const late = chain.wait('slow');
  expect(late).toBeInstanceOf(Promise);
  expect(existsSync(library(folder, 'slow'))).toBe(false);

  gated.open();
  await Promise.all([early, late]);
  expect(existsSync(library(folder, 'slow'))).toBe(true);
  expect(chain.wait('slow')).toBeUndefined();
  await all;
  const told = (plugin: string) => events.filter(({ name }) => name === plugin).map(({ state }) => state);
  expect([told('slow'), told('quick')]).toEqual([['building', 'built'], ['building', 'built']]);
});

test('everyone who waits for a build that fails learns so', async () => {
  const folder = pluginpath({ 'src/bad.c': 'bad' });
  const { chain } = toolchain(folder);
  const all = chain.build();
  const waiting = [chain.wait('bad'), chain.wait('bad')];
  for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'BUILD_FAILED', status: 500 });
  await all;
  await expect(chain.wait('bad')).rejects.toMatchObject({ code: 'BUILD_FAILED' });
});

test('no more compilers run at once than there are jobs', async () => {
  const sources = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`src/${name}.c`, says(name)]));
  const folder = pluginpath(sources);
  const gated = gatedCompiler(folder);
  const { chain } = toolchain(folder, { env: gated.env, jobs: 2 });
  const all = chain.build();
  await until(() => gated.trace().length === 2);
  gated.open();
  expect(new Set((await all).map(({ state }) => state))).toEqual(new Set(['built']));
  let running = 0;
  let most = 0;
  for (const line of gated.trace()) most = Math.max(most, (running += line.startsWith('begin') ? 1 : -1));
  expect([running, most]).toEqual([0, 2]);
});

test('the time of a build is that of its own work, not of the others that it waits for', async () => {
  const folder = pluginpath(Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`src/${name}.c`, says(name)])));
  const started = performance.now();
  const events = await toolchain(folder, { jobs: 1 }).chain.build();
  const whole = performance.now() - started;
  expect(events.every(({ state, ms }) => state === 'built' && ms > 0)).toBe(true);
  // Each is rounded.
  expect(events.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThanOrEqual(whole + events.length);
});

test('stop ends the compilers and all that they have started, and leaves nothing behind', async () => {
  const folder = pluginpath({ 'src/slow.c': says('slow') });
  const gated = gatedCompiler(folder);
  const { chain } = toolchain(folder, { env: gated.env });
  const all = chain.build();
  await until(() => gated.trace().length === 1);
  await chain.stop();
  expect((await all).map(({ state }) => state)).toEqual(['failed']);
  const pid = gated.trace()[0]!.split(' ')[1]!;
  await until(() => !isAlive(Number(pid)));
  expect(readdirSync(path.join(folder, '.dlserve'))).toEqual(['.gitignore']);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('several toolchains at once do not get in each other\'s way', async () => {
  const folder = pluginpath({ 'src/a.c': says('a'), 'src/b/b.c': says('b'), 'src/c.cc': '' });
  const runs = await Promise.all([build(folder), build(folder), build(folder)]);
  for (const { states } of runs) expect(new Set(Object.values(states))).toEqual(new Set(['built']));
  expect(call(library(folder, 'b'), 'GETSayHandler').answers.GETSayHandler?.body).toBe('b');
  expect(new Set(Object.values((await build(folder)).states))).toEqual(new Set(['fresh']));
  expect(readdirSync(path.join(folder, '.dlserve')).sort()).toEqual(['.gitignore', 'a.json', 'b.json', 'c.json']);
});

test('leftovers of killed builds are removed, those of builds at work are not', async () => {
  const folder = pluginpath({ 'src/a.c': says('a') });
  const gone = spawn('true');
  await new Promise((resolve) => gone.on('close', resolve));
  const leave = (pid: number, host: string): string => {
    const name = `build-${pid}.0123456789ab.${host}`;
    mkdirSync(path.join(folder, '.dlserve', name), { recursive: true });
    return name;
  };
  const dead = leave(gone.pid!, os.hostname());
  const sameNumber = leave(process.pid, os.hostname());
  const living = leave(process.ppid, os.hostname());
  const elsewhere = leave(gone.pid!, 'another.host');
  const old = leave(process.ppid, 'gone.host');
  for (const name of [sameNumber, old]) utimesSync(path.join(folder, '.dlserve', name), new Date(0), new Date(0));
  await build(folder);
  const left = readdirSync(path.join(folder, '.dlserve'));
  expect(left).toEqual(expect.arrayContaining([living, elsewhere]));
  for (const name of [dead, sameNumber, old]) expect(left).not.toContain(name);
});

test('single plugins are built by their names', async () => {
  const folder = pluginpath({ 'src/a.c': says('a'), 'src/b.c': says('b') });
  const { states, chain } = await build(folder, {}, ['b']);
  expect(states).toEqual({ b: 'built' });
  expect(existsSync(library(folder, 'a'))).toBe(false);
  await expect(chain.build(['none'])).rejects.toMatchObject({
    code: 'BAD_CONFIG',
    message: `no source of none in ${path.join(folder, 'src')}: neither none.c, .cc, .cpp, .cxx, .go, or a folder none`,
  });
  write(folder, 'src/b.c', 'bad');
  expect((await chain.build(['b', 'a'])).map(({ state }) => state)).toEqual(['failed', 'built']);
});

test('a pluginpath without sources is left as it is', async () => {
  const folder = path.join(pluginpath(), 'lib');
  expect((await build(folder)).states).toEqual({});
  expect(existsSync(folder)).toBe(false);
});

test('sources that cannot be read fail the build, and no request', async () => {
  const folder = path.join(pluginpath(), 'lib');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'src'), 'a file');
  const { chain } = toolchain(folder);
  const all = chain.build();
  const waiting = chain.wait('a');
  await expect(all).rejects.toMatchObject({ code: 'BAD_CONFIG', cause: { code: 'ENOTDIR' } });
  await waiting;
  expect(chain.wait('a')).toBeUndefined();
});

test('what is no source is noted in the log', async () => {
  const folder = pluginpath({ 'src/middlewares/m.go': '', 'src/a.c': says('a') });
  const { lines } = await build(folder);
  expect(lines).toContainEqual(expect.objectContaining({ level: 30, msg: expect.stringMatching(/^src\/middlewares holds middleware/) as string }));
});

test('the samples of this repository compile without a warning', async () => {
  const folder = pluginpath();
  cpSync(path.resolve(__dirname, '../../lib/src'), path.join(folder, 'src'), { recursive: true });
  const { states, lines } = await build(folder);
  expect(states).toMatchObject({ hello: 'built', greet: 'built', image: 'built', sum: 'built' });
  expect(lines.filter(({ level }) => level >= 40)).toEqual([]);
  const { answers } = call(library(folder, 'hello'), 'GETHelloHandler', 'GETHelloWithStatusHandler');
  const body = '{"http_vars":{"file":"hello","func":"Hello"},"url_query":{"abc":["123"]},"msg":"Hello plugin caller!"}';
  expect(answers).toEqual({ GETHelloHandler: { status: -1, body }, GETHelloWithStatusHandler: { status: 202, body } });
  expect(call(library(folder, 'greet'), 'GETGreetHandler').answers.GETGreetHandler).toEqual({ status: 200, body: '{"greeting":"Hello, world!"}' });
  expect(call(library(folder, 'sum'), 'GETSumHandler').answers.GETSumHandler).toEqual({ status: -1, body: '{"sum":0}' });
  expect(call(library(folder, 'image'), 'GETGradientHandler').answers.GETGradientHandler?.body).toMatch(/^P6 64 64 255\n/);
});
