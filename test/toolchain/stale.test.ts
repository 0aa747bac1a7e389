import {
  appendFileSync, chmodSync, closeSync, copyFileSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, rmSync, utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { build, call, library, pluginpath, removeFolders, write } from './support';

afterAll(removeFolders);

const says = (text: string): string => `const char *GETSayHandler(void) { return "${text}"; }\n`;

async function built(files: Record<string, string>): Promise<string> {
  const folder = pluginpath(files);
  const { states } = await build(folder);
  expect(Object.values(states)).toEqual(Object.keys(states).map(() => 'built'));
  return folder;
}

async function stateOf(folder: string, options: Parameters<typeof build>[1] = {}): Promise<string | undefined> {
  return Object.values((await build(folder, options)).states)[0];
}

function touch(file: string): void {
  utimesSync(file, new Date(), new Date(Date.now() + 5_000));
}

test('what was built is fresh, also to another process, and after everything was touched', async () => {
  const folder = await built({ 'src/say.c': '#include "say.h"\n' + says('x'), 'src/say.h': '' });
  expect(await stateOf(folder)).toBe('fresh');
  for (const file of ['src/say.c', 'src/say.h']) touch(path.join(folder, file));
  touch(library(folder, 'say'));
  expect(await stateOf(folder)).toBe('fresh');
});

test('a fresh library needs no compiler at all', async () => {
  const folder = await built({ 'src/say.c': says('x') });
  expect(await stateOf(folder, { env: { PATH: '' } })).toBe('fresh');
});

test.each<[string, (folder: string) => void]>([
  ['the source changes', (folder) => write(folder, 'src/pack/say.c', says('y'))],
  ['a header beside it changes', (folder) => write(folder, 'src/pack/say.h', '#define SAY 2\n')],
  ['a header elsewhere changes', (folder) => write(folder, 'src/common.h', '#define COMMON 2\n')],
  ['a header disappears', (folder) => rmSync(path.join(folder, 'src/pack/say.h'))],
  ['a file is added', (folder) => write(folder, 'src/pack/more.c', 'int more;\n')],
  ['a file is removed', (folder) => rmSync(path.join(folder, 'src/pack/other.c'))],
  ['a file is renamed', (folder) => {
    copyFileSync(path.join(folder, 'src/pack/other.c'), path.join(folder, 'src/pack/another.c'));
    rmSync(path.join(folder, 'src/pack/other.c'));
  }],
  ['the library is gone', (folder) => rmSync(library(folder, 'pack'))],
  ['the library was replaced', (folder) => appendFileSync(library(folder, 'pack'), 'x')],
  ['the library was replaced by one as long', (folder) => {
    const bytes = readFileSync(library(folder, 'pack'));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(library(folder, 'pack'), bytes);
    touch(library(folder, 'pack'));
  }],
  ['its stamp is gone', (folder) => rmSync(path.join(folder, '.dlserve/pack.json'))],
  ['its stamp is damaged', (folder) => write(folder, '.dlserve/pack.json', '{"format":')],
])('it is stale when %s', async (_, change) => {
  const folder = await built({
    'src/pack/say.c': '#if __has_include("say.h")\n#include "say.h"\n#endif\n#include "../common.h"\n' + says('x'),
    'src/pack/say.h': '',
    'src/pack/other.c': 'int other;\n',
    'src/common.h': '',
  });
  change(folder);
  expect(await stateOf(folder)).toBe('built');
  expect(await stateOf(folder)).toBe('fresh');
});

test('it is stale when flags change, by configuration or environment', async () => {
  const folder = await built({ 'src/say.c': says('x') });
  const flags = () => ({ cflags: ['-DX'], ldflags: [] });
  expect(await stateOf(folder, { flags })).toBe('built');
  expect(await stateOf(folder, { flags })).toBe('fresh');
  expect(await stateOf(folder, { flags: () => ({ cflags: ['-DX'], ldflags: ['-lm'] }) })).toBe('built');
  for (const variable of ['CFLAGS', 'CPPFLAGS', 'CXXFLAGS', 'LDFLAGS']) {
    const env = { ...process.env, [variable]: '-g' };
    expect([variable, await stateOf(folder, { env })]).toEqual([variable, 'built']);
    expect([variable, await stateOf(folder, { env })]).toEqual([variable, 'fresh']);
  }
});

test('it is stale with another version of the compiler, and asks for it only when the compiler was changed', async () => {
  const folder = pluginpath({ 'src/say.c': says('x') });
  const asked = path.join(folder, 'asked');
  const compiler = (version: string, comment = ''): string =>
    `#!/bin/sh\n# ${comment}\n[ "$1" = --version ] && { echo ${version}; echo >> ${asked}; exit; }\nexec cc "$@"\n`;
  const times = (): number => (existsSync(asked) ? readFileSync(asked, 'utf8').length : 0);
  const cc = path.join(folder, 'bin/mycc');
  const install = (text: string): void => {
    mkdirSync(path.dirname(cc), { recursive: true });
    writeFileSync(cc, text);
    chmodSync(cc, 0o755);
  };
  const env = { ...process.env, CC: cc };

  install(compiler('one'));
  expect(await stateOf(folder, { env })).toBe('built');
  expect([await stateOf(folder, { env }), times()]).toEqual(['fresh', 1]);
  install(compiler('one', 'the same version in another file'));
  expect([await stateOf(folder, { env }), times()]).toEqual(['fresh', 2]);
  expect([await stateOf(folder, { env }), times()]).toEqual(['fresh', 2]);
  install(compiler('two'));
  expect([await stateOf(folder, { env }), times()]).toEqual(['built', 3]);
});

test('a build puts a new file in the place of the old one, whose owner keeps it whole', async () => {
  const folder = await built({ 'src/say.c': says('old') });
  const before = readFileSync(library(folder, 'say'));
  const held = openSync(library(folder, 'say'), 'r');
  write(folder, 'src/say.c', says('new'));
  expect(await stateOf(folder)).toBe('built');
  const bytes = Buffer.alloc(fstatSync(held).size);
  readSync(held, bytes, 0, bytes.length, 0);
  closeSync(held);
  expect(bytes.equals(before)).toBe(true);
  expect(call(library(folder, 'say'), 'GETSayHandler').answers.GETSayHandler?.body).toBe('new');
});
