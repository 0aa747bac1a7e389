import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installHint } from '../../src/toolchain/install-hint';
import { build, library, pluginpath, removeFolders, write } from './support';

afterAll(removeFolders);

const C = 'const char *GETXHandler(void) { return "x"; }\n';
const GO = 'package main\n\nfunc GETXHandler() string { return "x" }\n';

/** An environment in which only these programs are installed. */
function only(folder: string, ...programs: string[]): NodeJS.ProcessEnv {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  for (const program of programs) {
    const found = (process.env.PATH ?? '').split(path.delimiter).map((place) => path.join(place, program));
    const file = found.find((place) => existsSync(place));
    writeFileSync(path.join(bin, program), `#!/bin/sh\nPATH='${process.env.PATH!}' exec '${file!}' "$@"\n`);
    chmodSync(path.join(bin, program), 0o755);
  }
  return { HOME: process.env.HOME, GOCACHE: process.env.GOCACHE, PATH: bin };
}

test('a missing compiler is told once for all that need it, with what to do; the rest is built', async () => {
  const folder = pluginpath({ 'src/a.go': GO, 'src/b/main.go': GO, 'src/c.cc': '', 'src/d.c': C });
  const { states, lines, ended, chain } = await build(folder, { env: only(folder, 'cc') });
  expect(states).toEqual({ a: 'failed', b: 'failed', c: 'failed', d: 'built' });
  const errors = lines.filter(({ level }) => level >= 40).map(({ msg }) => msg);
  expect(errors.sort()).toEqual([
    `c++ is not installed, or not in PATH (${installHint('c++')}): cannot build c`,
    `go is not installed, or not in PATH (${installHint('go')}): cannot build a, b`,
  ]);
  expect(ended.get('a')?.error?.message).toBe('a did not compile: go is not installed, or not in PATH');
  await expect(chain.wait('a')).rejects.toMatchObject({ code: 'BUILD_FAILED' });
});

test('a library whose source cannot be checked without its compiler is served with a warning', async () => {
  const folder = pluginpath({ 'src/a.c': C, 'src/b.c': C });
  await build(folder);
  write(folder, 'src/a.c', `${C}// changed\n`);
  const { states, lines, chain } = await build(folder, { env: {} });
  expect(states).toEqual({ a: 'unchecked', b: 'fresh' });
  expect(chain.wait('a')).toBeUndefined();
  expect(lines.filter(({ level }) => level >= 40)).toEqual([
    expect.objectContaining({
      level: 40,
      msg: `cc is not installed, or not in PATH (${installHint('cc')}): serving a as it is, although it was not checked against its source`,
    }),
  ]);
});

test('a compiler that a variable names is the one that is missed', async () => {
  const folder = pluginpath({ 'src/a.c': C });
  const { ended } = await build(folder, { env: { ...process.env, CC: 'nocc -m64' } });
  expect(ended.get('a')?.error?.message).toBe('a did not compile: nocc is not installed, or not in PATH');
});

test('Go without the C compiler that it needs says so once', async () => {
  const folder = pluginpath({ 'src/a.go': GO, 'src/b.go': GO });
  const { states, lines } = await build(folder, { env: { ...only(folder, 'go'), CC: 'nocc' } });
  expect(states).toEqual({ a: 'failed', b: 'failed' });
  const errors = lines.filter(({ level }) => level >= 40).map(({ msg }) => msg);
  expect(errors).toEqual([
    expect.stringContaining(`nocc is not installed, or not in PATH (${installHint('nocc')}): cannot build `),
    expect.stringMatching(/^nocc is not installed, or not in PATH: cannot build [ab]$/),
  ]);
});

test('a compiler that cannot even say its version fails its plugins alone', async () => {
  const folder = pluginpath({ 'src/a.c': C, 'src/b.cc': '' });
  const bad = path.join(folder, 'bad');
  writeFileSync(bad, '#!/bin/sh\necho I am broken >&2\nexit 3\n');
  chmodSync(bad, 0o755);
  const { states, ended } = await build(folder, { env: { ...process.env, CC: bad } });
  expect(states).toEqual({ a: 'failed', b: 'built' });
  expect(ended.get('a')?.output).toBe('I am broken\n');
});

test('where nothing can be written, a library is served unchecked, and a source without one fails', async () => {
  const folder = pluginpath({ 'src/a.c': C, 'src/b.c': C });
  writeFileSync(library(folder, 'a'), 'a library, made elsewhere');
  // Read-only folders are no obstacle to root, who may run this.
  writeFileSync(path.join(folder, '.dlserve'), 'in the way');
  const { states, ended, lines, chain } = await build(folder);
  expect(states).toEqual({ a: 'unchecked', b: 'failed' });
  expect(chain.wait('a')).toBeUndefined();
  expect(ended.get('b')?.error?.message).toMatch(/^b did not compile: nothing can be written there: E/);
  const warning = { level: 40, plugin: 'a', msg: expect.stringMatching(/^a is served as it is, not checked against its source: noth/) as string };
  expect(lines).toContainEqual(expect.objectContaining(warning));
});
