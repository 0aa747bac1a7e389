import { mkdirSync, promises, symlinkSync } from 'node:fs';
import path from 'node:path';
import { findSources } from '../../src/toolchain/sources';
import { library, pluginpath, removeFolders, write } from './support';

afterAll(removeFolders);

async function found(files: readonly string[]) {
  const folder = pluginpath(Object.fromEntries(files.map((file) => [`src/${file}`, ''])));
  const { sources, unusable, notes } = await findSources(folder);
  return {
    sources: Object.fromEntries(sources.map(({ name, language }) => [name, language])),
    files: Object.fromEntries(sources.map((source) => [source.name, source.files.map((file) => path.relative(source.path, file))])),
    unusable: Object.fromEntries(Array.from(unusable, ([name, { message }]) => [name, message])),
    notes: notes.map(({ path: place, words }) => `${path.basename(place)} ${words}`),
  };
}

test('each file is a source by its ending', async () => {
  const { sources, notes } = await found(['a.c', 'b.cc', 'c.cpp', 'd.cxx', 'e.go', 'f.v2.c', 'x.h', 'x.hpp', 'go.mod', 'README.md', 'g_test.go']);
  expect(sources).toEqual({ a: 'c', b: 'c++', c: 'c++', d: 'c++', e: 'go', 'f.v2': 'c' });
  expect(notes).toEqual([]);
});

test('a folder is a source in the language of the files right inside it', async () => {
  const { sources, files } = await found([
    'one/x.c', 'one/deep/y.cpp', 'one/.hidden.cpp', 'one/.git/z.go',
    'two/x.c', 'two/y.cc',
    'three/x.c', 'three/main.go', 'three/vendor/v/v.go',
    'four/_x.go', 'four/_x.c',
  ]);
  expect(sources).toEqual({ one: 'c', two: 'c++', three: 'go', four: 'c' });
  expect(files.one).toEqual(['deep/y.cpp', 'x.c']);
  expect(files.three).toEqual(['main.go', 'vendor/v/v.go', 'x.c']);
});

test('what is hidden is not seen', async () => {
  expect(await found(['.a.c', '.b/x.c'])).toMatchObject({ sources: {}, notes: [] });
});

test('two sources of one name are told apart from all others', async () => {
  const { sources, unusable } = await found(['a.c', 'a.go', 'b.c', 'c.c', 'c/x.c', 'd.c', 'd/only.h']);
  expect(Object.keys(sources)).toEqual(['b', 'd']);
  const only = 'and only one of them can be its source: rename or remove the other';
  expect(unusable).toEqual({ a: `src has a.c and a.go, ${only}`, c: `src has c and c.c, ${only}` });
});

test('what will not be built is explained where a person may expect it to be', async () => {
  const { sources, notes } = await found(['my plugin.c', '-x/main.go', 'middlewares/m.go', 'docs/README.md', 'include/x.h', 'tests/a_test.go', 'off/_a.go']);
  expect(sources).toEqual({});
  expect(notes.sort()).toEqual([
    expect.stringMatching(/^-x has a name that no URL can have/),
    expect.stringMatching(/^docs has no C, C\+\+ or Go source/),
    expect.stringMatching(/^middlewares holds middleware plugins of prestd/),
    expect.stringMatching(/^my plugin\.c has a name that no URL can have/),
    expect.stringMatching(/^off has no C, C\+\+ or Go source/),
    expect.stringMatching(/^tests has no C, C\+\+ or Go source/),
  ]);
});

test('of sources in other languages it is said that they are not compiled', async () => {
  const folder = pluginpath({
    'src/hello.rs': '', 'src/x.zig': '', 'src/upper.C': '', 'src/bare.s': '',
    'src/served.rs': '', [path.basename(library('', 'served'))]: '',
    'src/hi.c': '', 'src/hi.s': '', 'src/hi.d': '', 'src/hi.h': '', 'src/.hidden.rs': '',
    'src/README.md': '', 'src/notes.txt': '', 'src/Makefile': '', 'src/go.mod': '', 'src/data.json': '', 'src/gen.py': '',
    'src/pack/main.c': '', 'src/pack/fast.s': '', 'src/pack/deep/other.rs': '', 'src/pack/libother.so': '',
    'src/go/main.go': '', 'src/go/asm.s': '',
    'src/lost.so': '', 'src/served.so': '', 'src/hi.so': '',
  });
  const { sources, notes } = await findSources(folder);
  expect(sources.map(({ name }) => name)).toEqual(['go', 'hi', 'pack']);
  const only = 'which dlserve does not compile (only .c, .cc, .cpp, .cxx, .go):';
  expect(notes.map(({ path: place, words }) => `${path.relative(folder, place)} ${words}`).sort()).toEqual([
    `src has bare.s, hello.rs, upper.C, x.zig, ${only} build that yourself, and put the library into the folder above`,
    'src has lost.so, which is not served from there: libraries belong into the folder above',
    `src/pack has fast.s, ${only} compile that yourself, and name the object in ldflags`,
  ]);
});

test('a folder that can not be read is told apart from all others', async () => {
  const folder = pluginpath({ 'src/a.c': '', 'src/b/x.c': '', 'src/b/deep/y.c': '' });
  // Not by its mode: root may read everything.
  const { readdir } = promises;
  jest.spyOn(promises, 'readdir').mockImplementation(((place: string, options: object) =>
    place.endsWith('deep') ? Promise.reject(new Error('EACCES: permission denied')) : readdir(place, options)) as typeof readdir);
  const { sources, unusable } = await findSources(folder).finally(() => jest.restoreAllMocks());
  expect(sources.map(({ name }) => name)).toEqual(['a']);
  expect([...unusable]).toEqual([['b', expect.objectContaining({ message: "its source can't be read: EACCES: permission denied" })]]);
});

test('a pluginpath without src has no sources', async () => {
  expect((await findSources('/nowhere/at/all')).sources).toEqual([]);
});

test('links to files are followed, links to folders inside a source and broken ones are not', async () => {
  const folder = pluginpath({ 'elsewhere.c': '', 'src/pack/main.c': '' });
  mkdirSync(path.join(folder, 'other'));
  write(folder, 'other/x.c', '');
  symlinkSync(path.join(folder, 'elsewhere.c'), path.join(folder, 'src/linked.c'));
  symlinkSync(path.join(folder, 'nothing.c'), path.join(folder, 'src/broken.c'));
  symlinkSync(path.join(folder, 'src'), path.join(folder, 'src/pack/loop'));
  symlinkSync(path.join(folder, 'elsewhere.c'), path.join(folder, 'src/pack/more.c'));
  const { sources, notes } = await findSources(folder);
  expect(sources.map(({ name }) => name)).toEqual(['linked', 'pack']);
  expect(notes).toEqual([{ path: path.join(folder, 'src/broken.c'), words: 'is a link that leads nowhere, so nothing is built of it' }]);
  expect(sources[1]!.files.map((file) => path.basename(file))).toEqual(['main.c', 'more.c']);
});
