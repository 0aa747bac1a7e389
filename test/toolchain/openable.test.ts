import { chdir, cwd } from 'node:process';
import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { openable } from '../../src/toolchain/openable';
import { build, library, pluginpath, removeFolders } from './support';

const here = cwd();

afterEach(() => chdir(here));
afterAll(removeFolders);

/** A person's folder with a `lib`, in which that person stands. */
function project(files: Readonly<Record<string, string>>): string {
  const folder = realpathSync(pluginpath(Object.fromEntries(Object.entries(files).map(([name, text]) => [`lib/src/${name}`, text]))));
  chdir(folder);
  return folder;
}

test.each([
  ['hi.c:3:5: error: x', 'lib/src/hi.c:3:5: error: x'],
  ['./hi.c:3:5: x', 'lib/src/hi.c:3:5: x'],
  ["hi.c: In function 'f':", "lib/src/hi.c: In function 'f':"],
  ['hi.c:(.text+0x5): undefined reference', 'lib/src/hi.c:(.text+0x5): undefined reference'],
  ['In file included from deep/hi.h:1,', 'In file included from lib/src/deep/hi.h:1,'],
  ['                 from hi.c:1:', '                 from lib/src/hi.c:1:'],
  ["    inlined from 'f' at hi.c:3:5:", "    inlined from 'f' at lib/src/hi.c:3:5:"],
  ['\thi.c:5:2: other declaration', '\tlib/src/hi.c:5:2: other declaration'],
  ["it's $a.c:1: error", "lib/src/it's $a.c:1: error"],
  ['../other.h:1: x', 'lib/other.h:1: x'],
  ['{FOLDER}/lib/src/hi.c:3: x', 'lib/src/hi.c:3: x'],
  ['/usr/include/stdio.h:3: x', '/usr/include/stdio.h:3: x'],
  ['nothing.c:3: x', 'nothing.c:3: x'],
  ['deep:3: x', 'deep:3: x'],
  ['    3 | hi.c:3', '    3 | hi.c:3'],
  ['error: hi.c:3', 'error: hi.c:3'],
])('%s', (said, told) => {
  const folder = project({ 'hi.c': '', 'deep/hi.h': '', "it's $a.c": '', '../other.h': '' });
  expect(openable(said.replace('{FOLDER}', folder), path.join(folder, 'lib/src'))).toBe(told);
});

test('the shorter name is told where a file is far from the person', () => {
  const folder = project({ 'hi.c': '' });
  chdir(path.join(folder, 'lib'));
  expect(openable('hi.c:1: x', path.join(folder, 'lib/src'))).toBe('src/hi.c:1: x');
  mkdirSync(path.join(folder, 'a'));
  chdir(path.join(folder, 'a'));
  expect(openable('hi.c:1: x', path.join(folder, 'lib/src'))).toBe('../lib/src/hi.c:1: x');
  chdir('/');
  expect(openable('hi.c:1: x', path.join(folder, 'lib/src'))).toBe(`${folder.slice(1)}/lib/src/hi.c:1: x`);
  const deep = path.join(folder, ...Array.from({ length: 40 }, () => 'deep'));
  mkdirSync(deep, { recursive: true });
  chdir(deep);
  expect(openable('hi.c:1: x', path.join(folder, 'lib/src'))).toBe(`${folder}/lib/src/hi.c:1: x`);
});

test('what compilers and linkers say of C and C++ can be opened from where the person stands', async () => {
  const folder = project({
    'one.c': 'int one(void) { return 1 }\n',
    'pack/inside.cc': '#include "deep/d.h"\n',
    'pack/deep/d.h': 'nonsense;\n',
    'careless.c': 'static int unused;\nconst char *GETSayHandler(void) { return __FILE__; }\n',
    'lost/a.c': 'extern int nowhere(void);\nint GETLostHandler(void) { return nowhere(); }\n',
    'twice/a.c': 'int same = 1;\n',
    'twice/b.c': 'int same = 2;\n',
  });
  const { ended, lines } = await build(path.join(folder, 'lib'));
  const words = (name: string): string => ended.get(name)!.output;
  expect(words('one')).toMatch(/^lib\/src\/one\.c:1:\d+: error/m);
  expect(words('pack')).toMatch(/^lib\/src\/pack\/deep\/d\.h:1:\d+: error/m);
  expect(words('pack')).toMatch(/^In file included from lib\/src\/pack\/inside\.cc:1/m);
  const careless = lines.find(({ plugin, msg }) => plugin === 'careless' && msg.includes('warns'));
  expect(careless?.msg).toContain('\nlib/src/careless.c:1:12: warning');
  expect(words('lost')).toContain('lib/src/lost/a.c');
  expect(words('lost')).not.toContain('.dlserve');
  expect(words('twice')).toContain('lib/src/twice/a.c');
  expect(words('twice')).toContain('lib/src/twice/b.c');
  expect(words('twice')).not.toContain('.dlserve');
});

test('so can what Go says, and dlserve about Go', async () => {
  const folder = project({
    'types.go': 'package main\n\nfunc GETXHandler() string { return 1 }\n',
    'pack/x.go': 'package main\n\nimport "example.test/pack/deep"\n\nfunc GETXHandler() string { return deep.X }\n',
    'pack/deep/deep.go': 'package deep\n\nvar X string = 1\n',
    'pack/go.mod': 'module example.test/pack\n\ngo 1.18\n',
    'cgo/x.go': 'package main\n\n// int f(void) { return }\nimport "C"\n\nfunc GETXHandler() string { return "" }\n',
    'wrong/x.go': 'package main\n\n\nfunc GETXHandler() int { return 1 }\n',
  });
  const { ended, lines } = await build(path.join(folder, 'lib'));
  const words = (name: string): string => ended.get(name)!.output;
  expect(words('types')).toMatch(/^lib\/src\/types\.go:3:36: cannot use 1/m);
  expect(words('pack')).toMatch(/^lib\/src\/pack\/deep\/deep\.go:3:16: cannot use 1/m);
  expect(words('cgo')).toMatch(/^lib\/src\/cgo\/x\.go:3:.*error/m);
  expect(lines.map(({ msg }) => msg)).toContain('wrong: lib/src/wrong/x.go:4: GETXHandler is not served: it must return string or (string, int)');
});

test('where the person stands, and where the folder is, makes no difference to the library', async () => {
  const say = '#include "say.h"\nconst char *GETSayHandler(void) { return __FILE__ FILE; }\n';
  const files = { 'say.c': say, 'say.h': '#define FILE __FILE__\n' };
  const libraries: Buffer[] = [];
  for (const place of ['.', 'lib/src', '/']) {
    const folder = project(files);
    chdir(place);
    expect((await build(path.join(folder, 'lib'))).states).toEqual({ say: 'built' });
    libraries.push(readFileSync(library(path.join(folder, 'lib'), 'say')));
  }
  expect(libraries[1]!.equals(libraries[0]!)).toBe(true);
  expect(libraries[2]!.equals(libraries[0]!)).toBe(true);
});
