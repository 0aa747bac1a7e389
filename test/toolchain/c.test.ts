import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, call, contents, library, pluginpath, removeFolders } from './support';

afterAll(removeFolders);

const says = (text: string): string => `const char *GETSayHandler(void) { return "${text}"; }\n`;

test('C, C++ and both together become libraries whose handlers answer', async () => {
  const folder = pluginpath({
    'src/plain.c': `#include <math.h>
      #include <pthread.h>
      #include <stdio.h>
      #include "dlserve.h"
      DLSERVE_EXPORT char *GETRootHandler(const char *request, int *status) {
        static char text[32];
        snprintf(text, sizeof text, "%.3f", sqrt(request[0]));
        *status = 203;
        return pthread_self() ? text : 0;
      }`,
    'src/plus.cxx': `#include <string>
      #include "dlserve.h"
      extern "C" DLSERVE_EXPORT const char *GETPlusHandler(const char *) { static std::string text = "plus"; return text.c_str(); }`,
    'src/both/a.c': 'int from_c(void) { return 7; }',
    'src/both/b.cc': `#include <vector>
      #include "deep/b.h"
      extern "C" int from_c(void);
      extern "C" const char *GETBothHandler() { return std::vector<int>(ONE, from_c()).at(0) == 7 ? "both" : "no"; }`,
    'src/both/deep/b.h': '#define ONE 1',
    'src/both/deep/unused.c': 'this would not compile',
  });
  const { states } = await build(folder);
  expect(states).toEqual({ plain: 'built', plus: 'built', both: 'built' });
  expect(call(library(folder, 'plain'), 'GETRootHandler').answers.GETRootHandler).toEqual({ status: 203, body: '11.091' });
  expect(call(library(folder, 'plus'), 'GETPlusHandler').answers.GETPlusHandler?.body).toBe('plus');
  expect(call(library(folder, 'both'), 'GETBothHandler').answers.GETBothHandler?.body).toBe('both');
});

test('names and flags with spaces, quotes and dollars reach the compiler whole, and come back from it', async () => {
  const folder = pluginpath({
    "src/pack/it's $a file.c": '#include "a $ header #1.h"\nconst char *GETSayHandler(void) { return TEXT; }\n',
    'src/pack/a $ header #1.h': '',
  });
  const flags = () => ({ cflags: ['-DTEXT="a b"'], ldflags: [] });
  expect((await build(folder, { flags })).states).toEqual({ pack: 'built' });
  expect(call(library(folder, 'pack'), 'GETSayHandler').answers.GETSayHandler?.body).toBe('a b');
  expect((await build(folder, { flags })).states).toEqual({ pack: 'fresh' });
});

test('each file with errors has its say, and the author finds file and line', async () => {
  const folder = pluginpath({
    'src/broken/one.c': 'int one(void) { return 1 }\n',
    'src/broken/two.c': '\nint two(void) { return nothing; }\n',
    'src/fine.c': says('fine'),
  });
  const { states, ended, lines, chain } = await build(folder);
  expect(states).toEqual({ broken: 'failed', fine: 'built' });
  const { output, error } = ended.get('broken')!;
  expect(output).toContain('one.c:1:');
  expect(output).toContain('two.c:2:');
  expect(error).toMatchObject({ code: 'BUILD_FAILED', message: "broken did not compile: its compiler's words are in the log" });
  expect(error?.cause).toMatchObject({ name: 'ToolFailure', output });
  expect(lines.find(({ level }) => level === 50)).toMatchObject({ plugin: 'broken', msg: expect.stringContaining('one.c:1:') as string });
  await expect(chain.wait('broken')).rejects.toBe(error);
  expect(chain.wait('fine')).toBeUndefined();
});

test('a symbol that is nowhere is told by the linker', async () => {
  const folder = pluginpath({ 'src/lost.c': 'extern int nowhere(void);\nint GETLostHandler(void) { return nowhere(); }\n' });
  const { states, ended } = await build(folder);
  expect(states).toEqual({ lost: 'failed' });
  expect(ended.get('lost')?.output).toContain('nowhere');
});

test('warnings reach the log of a plugin that was built', async () => {
  const folder = pluginpath({ 'src/careless.c': `static int unused;\n${says('x')}` });
  const { states, lines } = await build(folder);
  expect(states).toEqual({ careless: 'built' });
  expect(lines.filter(({ level }) => level === 40)).toEqual([
    expect.objectContaining({ plugin: 'careless', msg: expect.stringContaining("careless.c:1:12: warning") as string }),
  ]);
});

test('flags come from the environment and from the configuration, which has the last word', async () => {
  const folder = pluginpath({
    'src/flags.c': `#if OPTION != 3 || !defined(BY_CPP) || defined(BY_CXX)
      #error flags
      #endif
      double cbrt(double);
      ${says('c')}`,
    'src/plus.cpp': `#if OPTION != 3 || !defined(BY_CXX)
      #error flags
      #endif
      extern "C" const char *GETSayHandler() { return TEXT; }`,
  });
  const env = { ...process.env, CPPFLAGS: '-DBY_CPP', CFLAGS: '-DOPTION=1', CXXFLAGS: "-DBY_CXX -DTEXT='\"a b\"'", CC: 'cc -DOPTION=0' };
  const flags = () => ({ cflags: ['-UOPTION', '-DOPTION=3'], ldflags: ['-lm'] });
  const { states } = await build(folder, { env, flags });
  expect(states).toEqual({ flags: 'built', plus: 'built' });
  expect(call(library(folder, 'plus'), 'GETSayHandler').answers.GETSayHandler?.body).toBe('a b');
});

test('a failed build leaves the old library where it is, but does not let it be served', async () => {
  const folder = pluginpath({ 'src/turn.c': says('old') });
  await build(folder);
  const before = readFileSync(library(folder, 'turn'));
  const again = pluginpath({ 'src/turn.c': 'not C' });
  writeFileSync(library(again, 'turn'), before);
  const { states, chain } = await build(again);
  expect(states).toEqual({ turn: 'failed' });
  expect(readFileSync(library(again, 'turn')).equals(before)).toBe(true);
  await expect(chain.wait('turn')).rejects.toMatchObject({ code: 'BUILD_FAILED' });
});

test('two sources of one name fail, and nothing is built of either', async () => {
  const folder = pluginpath({ 'src/twin.c': says('c'), 'src/twin.cc': '', 'src/other.c': says('other') });
  const { states, ended } = await build(folder);
  expect(states).toEqual({ twin: 'failed', other: 'built' });
  expect(ended.get('twin')?.error?.message).toContain('twin.c and twin.cc');
  expect(existsSync(library(folder, 'twin'))).toBe(false);
});

test('the sources are only read, and beside the libraries nothing visible is left', async () => {
  const folder = pluginpath({ 'src/a.c': says('a'), 'src/b/b.cc': 'int b;', 'src/b/b.h': '', 'src/bad.c': 'bad' });
  const before = contents(`${folder}/src`);
  await build(folder);
  expect(contents(`${folder}/src`)).toEqual(before);
  const left = Object.keys(contents(folder)).filter((name) => !name.startsWith('src/'));
  const libraries = ['a', 'b'].map((name) => path.basename(library(folder, name)));
  expect(left).toEqual(['.dlserve/.gitignore', '.dlserve/a.json', '.dlserve/b.json', ...libraries]);
});
