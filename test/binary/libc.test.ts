import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Libc } from '../../src/binary/binary';
import { examineLibrary } from '../../src/binary/file';
import { glibcMisfit, misfitOf } from '../../src/binary/fits';
import { readLibrary } from '../../src/binary/read';
import { glibcVersion, thisSystem, type System } from '../../src/binary/system';
import { compile } from '../support/compile';
import { scratch } from '../support/server';

const fixtures = path.join(__dirname, '../fixtures/libraries');

function system(libc: Libc | undefined): System {
  return { platform: process.platform, arch: process.arch, libc, loader: undefined };
}

/** A library that needs another one of some name, and a symbol of it in some version. */
function needing(name: string, version?: string): string {
  const folder = scratch();
  mkdirSync(path.join(folder, 'needed'));
  const needed = path.join(folder, 'needed', name);
  const link = (output: string, source: string, ...flags: string[]): unknown =>
    execFileSync('cc', ['-shared', '-fPIC', '-nostdlib', '-o', output, '-x', 'c', '-', ...flags], { input: source });
  const versions = path.join(folder, 'versions.map');
  writeFileSync(versions, `${version ?? 'NONE'} { *; };\n`);
  const flags = version === undefined ? [] : [`-Wl,--version-script=${versions}`];
  link(needed, 'int needed(void) { return 1; }', `-Wl,-soname,${name}`, ...flags);
  const library = path.join(folder, 'x.so');
  link(library, 'int needed(void); char *GETHelloHandler(void) { return needed() ? "1" : 0; }', '-x', 'none', needed);
  return library;
}

// What only the linkers of ELF can make.
if (process.platform === 'linux') {
  test.each<[string, Libc | undefined]>([
    ['libc.so.6', 'glibc'],
    ['libm.so.6', 'glibc'],
    ['ld-linux-x86-64.so.2', 'glibc'],
    ['libc.so', 'musl'],
    ['libc.musl-x86_64.so.1', 'musl'],
    ['libcrypto.so.3', undefined],
    ['libcurl.so.6', undefined],
  ])('a library that needs %s was linked with %s', async (name, libc) => {
    const library = await readLibrary(needing(name));
    expect(library.needed).toEqual([name]);
    expect(library.libc).toBe(libc);
  });

  test('a library and a system of different C libraries do not fit', async () => {
    const musl = await readLibrary(needing('libc.so'));
    expect(misfitOf(musl, system('glibc'))).toBe(
      'it was linked with musl (Alpine Linux), this host has glibc (most Linux distributions): build it on this host, or on one like it',
    );
    expect(misfitOf(musl, system('musl'))).toBeUndefined();
    const glibc = await readLibrary(needing('libc.so.6'));
    expect(misfitOf(glibc, system('musl'))).toMatch(/^it was linked with glibc .*, this host has musl /);
    expect(misfitOf(glibc, system('bionic'))).toContain('this host has bionic (Android)');
    expect(misfitOf(glibc, system('glibc'))).toBeUndefined();
    expect(misfitOf(glibc, system(undefined))).toBeUndefined();
  });

  test('a library for Android is known by its note, without which it looks like one of musl', async () => {
    const android = await readLibrary(compile(path.join(fixtures, 'android_note.c')));
    expect(misfitOf(android, system('glibc'))).toContain('linked with bionic (Android)');
    expect(misfitOf(android, system('bionic'))).toBeUndefined();
    expect(misfitOf(await readLibrary(needing('libc.so')), system('bionic'))).toBeUndefined();
  });

  test('a library that needs no C library fits each of them', async () => {
    const library = await readLibrary(compile(path.join(fixtures, 'go_section.c'), ['-nostdlib']));
    for (const libc of ['glibc', 'musl', 'bionic'] as const) expect(misfitOf(library, system(libc))).toBeUndefined();
  });

  test('this system has the C library of what is built on it', async () => {
    const { libc } = await readLibrary(compile(path.join(fixtures, 'handlers.c')));
    expect(await thisSystem()).toMatchObject({ platform: 'linux', arch: process.arch, libc });
    expect(glibcVersion() !== undefined).toBe(libc === 'glibc');
  });

  test('a library for another C library is refused before it is opened', async () => {
    const { libc } = await thisSystem();
    const file = { path: needing(libc === 'musl' ? 'libc.so.6' : 'libc.so'), base: 'x.so', identity: '', fingerprint: '' };
    await expect(examineLibrary(file)).rejects.toMatchObject({ code: 'LOAD_FAILED', message: expect.stringMatching(/^x\.so did not load: it was linked with /) as string });
  });

  test('the glibc that a library needs is told from its versions', async () => {
    const library = await readLibrary(needing('libc.so.6', 'GLIBC_2.9'));
    expect(library.glibc).toBe('2.9');
    expect(glibcMisfit(library, '2.8')).toBe(
      'it needs glibc 2.9 or later, this host has 2.8: build it on this host, or on one with an older glibc',
    );
    for (const version of ['2.9', '2.36', '3.0', undefined]) expect(glibcMisfit(library, version)).toBeUndefined();
    expect((await readLibrary(needing('libc.so.6', 'GLIBC_PRIVATE'))).glibc).toBeUndefined();
    expect((await readLibrary(needing('libc.so.6'))).glibc).toBeUndefined();
  });
}
