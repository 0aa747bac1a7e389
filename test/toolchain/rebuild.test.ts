import { appendFileSync, chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../support/until';
import type { Toolchain } from '../../src/toolchain/toolchain';
import { call, library, pluginpath, removeFolders, toolchain as plainToolchain, write } from './support';

const chains: Toolchain[] = [];

afterEach(() => Promise.all(chains.splice(0).map((chain) => chain.stop())));
afterAll(removeFolders);

/** One that ends with the test, however that ends. */
function toolchain(...args: Parameters<typeof plainToolchain>): ReturnType<typeof plainToolchain> {
  const made = plainToolchain(...args);
  chains.push(made.chain);
  return made;
}

const says = (text: string): string => `const char *GETSayHandler(void) { return "${text}"; }\n`;

function answer(folder: string, name: string): string {
  return call(library(folder, name), 'GETSayHandler').answers.GETSayHandler!.body;
}

const states = (events: readonly { name: string; state: string }[]): string[] => events.map(({ name, state }) => `${name} ${state}`);

/** A C compiler that waits before it begins until a file is there. */
function heldCompiler(folder: string): { env: NodeJS.ProcessEnv; begun: () => number; letGo: () => void } {
  const [script, gate, begun] = ['cc', 'gate', 'begun'].map((name) => path.join(folder, `.${name}`)) as [string, string, string];
  writeFileSync(script, `#!/bin/sh\ncase "$*" in *--version*|*-shared*) exec cc "$@";; esac\ncc -E "$@" >/dev/null\ncc "$@" || exit\necho >> ${begun}\nwhile [ ! -e ${gate} ]; do sleep 0.01; done\n`);
  chmodSync(script, 0o755);
  return {
    env: { ...process.env, CC: script },
    begun: () => (existsSync(begun) ? readFileSync(begun, 'utf8').length : 0),
    letGo: () => writeFileSync(gate, ''),
  };
}

test('what was saved is built again, what was not stays fresh, and what is new is found', async () => {
  const folder = pluginpath({ 'src/a.c': says('one'), 'src/b.c': says('b') });
  const { chain } = toolchain(folder);
  await chain.build();
  write(folder, 'src/a.c', says('two'));
  write(folder, 'src/c.c', says('c'));
  expect(states(await chain.rebuild())).toEqual(['a built', 'b fresh', 'c built']);
  expect([answer(folder, 'a'), answer(folder, 'c')]).toEqual(['two', 'c']);
  write(folder, 'src/a.c', says('three'));
  write(folder, 'src/b.c', says('other'));
  expect(states(await chain.rebuild(['a']))).toEqual(['a built']);
  expect([answer(folder, 'a'), answer(folder, 'b')]).toEqual(['three', 'b']);
});

test('what does not compile leaves the last library in place, and its words are told until it does', async () => {
  const folder = pluginpath({ 'src/a.c': says('one') });
  const { chain, lines } = toolchain(folder);
  await chain.build();
  write(folder, 'src/a.c', 'const char *GETSayHandler(void) { return forgotten; }\n');
  const rebuilt = chain.rebuild(['a']);
  const [failed] = await rebuilt;
  expect(failed).toMatchObject({ state: 'failed', output: expect.stringContaining('forgotten') as string });
  await expect(chain.wait('a')).rejects.toMatchObject({ code: 'BUILD_FAILED' });
  expect(answer(folder, 'a')).toBe('one');
  expect(lines.map(({ msg }) => msg).join('\n')).not.toContain('no library of that name is served');
  write(folder, 'src/a.c', says('two'));
  expect(states(await chain.rebuild(['a']))).toEqual(['a built']);
  expect(chain.wait('a')).toBeUndefined();
  expect(answer(folder, 'a')).toBe('two');
});

test.each([['its source', 'src/a.c'], ['a header', 'src/say.h']])('%s saved during a build makes another one follow', async (_, file) => {
  const text = (word: string): string => (file.endsWith('.h') ? `#define SAY "${word}"\n` : says(word));
  const folder = pluginpath({ 'src/a.c': file.endsWith('.h') ? '#include "say.h"\nconst char *GETSayHandler(void) { return SAY; }\n' : '', [file]: text('one') });
  const held = heldCompiler(folder);
  const { chain, events } = toolchain(folder, { env: held.env });
  const built = chain.build();
  // The compiler has read it, and has not ended.
  await until(() => held.begun() > 0);
  write(folder, file, text('two'));
  const rebuilt = chain.rebuild(['a']);
  write(folder, file, text('three'));
  await Promise.all([chain.rebuild(['a']), chain.rebuild()].map((each) => Promise.race([each, until(() => true)])));
  held.letGo();
  expect(states(await rebuilt)).toEqual(['a built']);
  expect(states(await built)).toEqual(['a built']);
  expect(answer(folder, 'a')).toBe('three');
  expect(events.filter(({ state }) => state === 'built')).toHaveLength(2);
  expect(states(await chain.rebuild())).toEqual(['a fresh']);
});

test('a header saved during a build by which nobody asks for another does not count as built', async () => {
  const folder = pluginpath({ 'src/a.c': '#include "say.h"\nconst char *GETSayHandler(void) { return SAY; }\n', 'src/say.h': '#define SAY "one"\n' });
  const held = heldCompiler(folder);
  const { chain } = toolchain(folder, { env: held.env });
  const built = chain.build();
  await until(() => held.begun() > 0);
  write(folder, 'src/say.h', '#define SAY "two"\n');
  held.letGo();
  await built;
  expect(states(await chain.rebuild())).toEqual(['a built']);
  expect(answer(folder, 'a')).toBe('two');
});

test('a library goes with its source, unless it has become another', async () => {
  const folder = pluginpath({ 'src/a.c': says('a'), 'src/b.c': says('b'), 'src/kept.c': says('kept'), 'src/broken.c': says('broken') });
  const { chain } = toolchain(folder);
  await chain.build();
  write(folder, 'src/broken.c', 'no C');
  await chain.rebuild();
  for (const name of ['a', 'b', 'broken']) rmSync(path.join(folder, `src/${name}.c`));
  appendFileSync(library(folder, 'b'), 'x');
  expect(states(await chain.rebuild())).toEqual(['kept fresh']);
  expect(['a', 'b', 'kept', 'broken'].map((name) => existsSync(library(folder, name)))).toEqual([false, true, true, false]);
  expect(chain.unfinished.size).toBe(0);
  expect(chain.wait('broken')).toBeUndefined();
});

test('a library whose source was gone before is left alone', async () => {
  const folder = pluginpath({ 'src/a.c': says('a'), 'src/b.c': says('b') });
  await toolchain(folder).chain.build();
  rmSync(path.join(folder, 'src/a.c'));
  const { chain } = toolchain(folder);
  await chain.build();
  await chain.rebuild();
  await chain.rebuild(['a']);
  expect(existsSync(library(folder, 'a'))).toBe(true);
});

test('a source that is renamed while it is built becomes the other plugin alone', async () => {
  const folder = pluginpath({ 'src/a.c': says('a') });
  const held = heldCompiler(folder);
  const { chain } = toolchain(folder, { env: held.env });
  const built = chain.build();
  await until(() => held.begun() > 0);
  renameSync(path.join(folder, 'src/a.c'), path.join(folder, 'src/b.c'));
  const rebuilt = chain.rebuild();
  await until(() => held.begun() > 1);
  held.letGo();
  expect(states(await rebuilt)).toEqual(['b built']);
  expect(await built).toEqual([]);
  expect([existsSync(library(folder, 'a')), answer(folder, 'b')]).toEqual([false, 'a']);
});

test('a Go build does not keep C waiting, not even with one job', async () => {
  const folder = pluginpath({ 'src/a.c': says('a'), 'src/slow.go': 'package main\n', 'src/slower.go': 'package main\n' });
  const gate = path.join(folder, '.gate');
  write(folder, '.bin/go', `#!/bin/sh\nwhile [ ! -e ${gate} ]; do sleep 0.01; done\nexit 1\n`);
  chmodSync(path.join(folder, '.bin/go'), 0o755);
  const env = { ...process.env, PATH: `${path.join(folder, '.bin')}:${process.env.PATH}` };
  for (const jobs of [1, 2]) {
    const { chain, events } = toolchain(folder, { env, jobs });
    const built = chain.build();
    // Either of the two in Go is first.
    const go = await until(() => events.find(({ name, state }) => name.startsWith('slow') && state === 'building'));
    await until(() => chain.ended.has('a'));
    expect(events.filter(({ state }) => state === 'building').map(({ name }) => name).sort()).toEqual(['a', go.name]);
    expect(go.note).toMatch(/^first Go build/);
    writeFileSync(gate, '');
    await built;
    for (const file of [gate, library(folder, 'a')]) rmSync(file);
  }
});
