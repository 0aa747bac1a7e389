import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Binary } from '../../src/binary/binary';
import { handlersOf } from '../../src/binary/exports';
import { libraryEndings } from '../../src/binary/endings';
import { misfitOf } from '../../src/binary/fits';
import { readBinary, readLibrary } from '../../src/binary/read';
import { thisSystem, type System } from '../../src/binary/system';
import { DlserveError } from '../../src/ground/errors';
import { compile } from '../support/compile';

const fixtures = path.join(__dirname, '../fixtures/libraries');
const onLinux = process.platform === 'linux';

const mac: System = { platform: 'darwin', arch: 'arm64', libc: undefined, loader: undefined };

function linux(arch: string): System {
  return { platform: 'linux', arch, libc: 'glibc', loader: undefined };
}

function machine(target: string): Buffer {
  return gunzipSync(readFileSync(path.join(fixtures, `${target}.gz`)));
}

/** handlers.c for this host. */
function own(...flags: string[]): Buffer {
  return readFileSync(compile(path.join(fixtures, 'handlers.c'), flags));
}

async function refusal(bytes: Buffer): Promise<string> {
  try {
    await readBinary(bytes, 'x.so');
  } catch (error) {
    expect(error).toBeInstanceOf(DlserveError);
    expect((error as DlserveError).code).toBe('BAD_LIBRARY');
    return (error as DlserveError).message;
  }
  throw new Error('it was read');
}

/** What handlers.c exports, however it was built; besides that, Mach-O has symbols of the linker. */
function expectHandlers(library: Binary): void {
  const handlers = handlersOf(library);
  const methods = (func: string): unknown => Object.fromEntries(handlers.get(func)!.names.map((name) => [name, handlers.get(func)!.get(name)!.symbol]));
  expect(Object.fromEntries(handlers.funcs.map((func) => [func, methods(func)]))).toEqual({
    Hello: { GET: 'GETHelloHandler', POST: 'POSTHelloHandler' },
    Weak: { PUT: 'PUTWeakHandler' },
    Protected: { GET: 'GETProtectedHandler' },
  });
  const data = [...handlers.lookalikes].filter(([, why]) => why === 'is data, not a function');
  expect(data.map(([symbol]) => symbol).sort()).toEqual(['DELETEZeroesHandler', 'GETConstantHandler', 'GETDataHandler']);
  expect(library.exports.get('PluginABI')).toBe('function');
  expect(library.exports.get('PluginStop')).toBe('function');
  expect(library.exports.has('puts')).toBe(false);
}

test.each([
  ['aarch64-macos', 'mach-o', 'aarch64', 'libSystem', '/usr/lib/libSystem.B.dylib'],
  ['x86_64-macos', 'mach-o', 'x86-64', 'libSystem', '/usr/lib/libSystem.B.dylib'],
  ['aarch64-linux-gnu', 'elf', 'aarch64', 'glibc', 'libc.so.6'],
  ['x86_64-linux-musl', 'elf', 'x86-64', 'musl', 'libc.so'],
  ['x86-linux-gnu', 'elf', 'x86', 'glibc', 'libc.so.6'],
  ['s390x-linux-gnu', 'elf', 's390x', 'glibc', 'libc.so.6'],
  ['mips-linux-musleabi', 'elf', 'mips', 'musl', 'libc.so'],
])('reads a library for %s', async (target, format, name, libc, needed) => {
  const library = await readBinary(machine(target));
  expect(library).toMatchObject({ format, machine: name, libc, needed: [needed], runpath: ['/opt/one'], go: false });
  expectHandlers(library);
});

test.each([
  ['as it comes', []],
  ['stripped', ['-s']],
  ...(onLinux
    ? ([
        ['with the hash table of System V', ['-Wl,--hash-style=sysv']],
        ['with that of GNU', ['-Wl,--hash-style=gnu']],
        ['with code apart from data', ['-Wl,-z,separate-code']],
        ['with code beside data', ['-Wl,-z,noseparate-code']],
      ] as [string, string[]][])
    : []),
])('reads a library of this host %s', async (_, flags) => {
  const library = await readBinary(own(...flags));
  expectHandlers(library);
  expect(misfitOf(library, await thisSystem())).toBeUndefined();
});

test('reads an ELF library whose section headers were removed', async () => {
  const bytes = machine('aarch64-linux-gnu');
  bytes.writeBigUInt64LE(0n, 40); // e_shoff
  expectHandlers(await readBinary(bytes));
});

test('reads a Mach-O library by its symbol table where it has no export trie', async () => {
  const bytes = machine('aarch64-macos');
  const command = bytes.indexOf(Buffer.from([0x22, 0, 0, 0x80, 48, 0, 0, 0]));
  expect(command).toBeGreaterThan(0);
  bytes.writeUInt32LE(0, command + 44); // export_size
  expectHandlers(await readBinary(bytes));
});

/** What only the linkers of ELF can make. */
if (onLinux) {
  const exportsOf = async (source: string, ...flags: string[]): Promise<[string, string][]> => {
    const { exports } = await readLibrary(compile(path.join(fixtures, source), flags));
    return [...exports].filter(([name]) => name.endsWith('Handler')).sort();
  };

  test('a symbol without a type is a function if it lies in code', async () => {
    expect(await exportsOf('untyped.c')).toEqual([
      ['GETUntypedDataHandler', 'data'],
      ['GETUntypedHandler', 'function'],
    ]);
  });

  test('a function that is chosen at load is a function', async () => {
    expect(await exportsOf('ifunc.c')).toEqual([['GETChosenHandler', 'function']]);
  });

  test('of a function in several versions the current one is exported, under its plain name', async () => {
    const map = path.join(fixtures, 'versions.map');
    expect(await exportsOf('versions.c', `-Wl,--version-script=${map}`)).toEqual([['GETBothHandler', 'function']]);
  });

  test.each([
    ['go_section.c', true],
    ['go_note.c', true],
    ['mentions_go.c', false],
    ['handlers.c', false],
  ])('%s was built by Go: %s', async (source, go) => {
    expect((await readLibrary(compile(path.join(fixtures, source)))).go).toBe(go);
  });
}

describe('a fat Mach-O file', () => {
  const slices = { arm64: machine('aarch64-macos'), x64: machine('x86_64-macos') };

  function fat(wide: boolean, parts: readonly Buffer[]): Buffer {
    const headers = [Buffer.alloc(8)];
    headers[0]!.writeUInt32BE(wide ? 0xcafebabf : 0xcafebabe, 0);
    headers[0]!.writeUInt32BE(parts.length, 4);
    let offset = 8 + parts.length * (wide ? 32 : 20);
    for (const part of parts) {
      const header = Buffer.alloc(wide ? 32 : 20);
      header.writeUInt32BE(part.readUInt32LE(4), 0);
      header.writeUInt32BE(part.readUInt32LE(8), 4);
      if (wide) header.writeBigUInt64BE(BigInt(offset), 8);
      else header.writeUInt32BE(offset, 8);
      if (wide) header.writeBigUInt64BE(BigInt(part.length), 16);
      else header.writeUInt32BE(part.length, 12);
      headers.push(header);
      offset += part.length;
    }
    return Buffer.concat([...headers, ...parts]);
  }

  test.each([false, true])('gives the slice of this host (64-bit offsets: %s)', async (wide) => {
    const library = await readBinary(fat(wide, [slices.arm64, slices.x64]));
    expect(library.machine).toBe({ arm64: 'aarch64', x64: 'x86-64' }[process.arch as 'arm64' | 'x64']);
    expectHandlers(library);
  });

  test('without a slice for this host names the machines of all', async () => {
    const foreign = Buffer.from(slices.arm64);
    foreign.writeUInt32LE(2, 8); // CPU_SUBTYPE_ARM64E
    const older = Buffer.from(slices.x64);
    older.writeUInt32LE(18, 4); // CPU_TYPE_POWERPC
    const library = await readBinary(fat(false, [foreign, older]));
    expect(library.machine).toBe('arm64e and ppc');
    expect(misfitOf(library, mac)).toContain('arm64e and ppc');
  });

  test('with nothing in it, or with a part that is no Mach-O, is refused', async () => {
    expect(await refusal(fat(false, []))).toContain('nothing in it');
    expect(await refusal(fat(false, [Buffer.from('hello, world')]))).toContain('a part of it is not Mach-O');
  });
});

describe('what it refuses, and the words for it', () => {
  const elf = machine('aarch64-linux-gnu');

  function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
    const copy = Buffer.from(bytes);
    change(copy);
    return copy;
  }

  test.each<[string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'it is empty'],
    ['a text', Buffer.from('int main(void) { return 0; }\n'), 'it is text'],
    ['a script', Buffer.from('#!/bin/sh\n'), 'it is a script'],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'git lfs pull'],
    ['a static archive', Buffer.from('!<arch>\n'), 'cc -shared'],
    ['a DLL', Buffer.from('MZ\x90\0'), 'Windows'],
    ['WebAssembly', Buffer.from('\0asm\x01\0\0\0'), 'WebAssembly'],
    ['a Java class', Buffer.from('cafebabe0000003d', 'hex'), 'Java'],
    ['noise', Buffer.from([1, 2, 3, 4]), 'neither ELF (Linux) nor Mach-O (macOS)'],
    ['only the magic number of ELF', Buffer.from('\x7fELF'), 'ends too early'],
    ['only the magic number of Mach-O', Buffer.from('cffaedfe', 'hex'), 'ends within its Mach-O header'],
    ['an ELF class that there is not', changed(elf, (copy) => copy.writeUInt8(3, 4)), 'neither 32 nor 64 bits'],
    ['an ELF byte order that there is not', changed(elf, (copy) => copy.writeUInt8(0, 5)), 'no byte order'],
    ['an ELF object', changed(elf, (copy) => copy.writeUInt16LE(1, 16)), 'an object file (.o)'],
    ['an ELF program', changed(elf, (copy) => copy.writeUInt16LE(2, 16)), 'it is a program'],
    ['an ELF core dump', changed(elf, (copy) => copy.writeUInt16LE(4, 16)), 'core dump'],
    ['an ELF type of its own', changed(elf, (copy) => copy.writeUInt16LE(99, 16)), 'its ELF type is 99'],
    ['an ELF file without program headers', changed(elf, (copy) => copy.writeUInt16LE(0, 56)), 'no dynamic segment'],
    ['program headers of no size', changed(elf, (copy) => copy.writeUInt16LE(8, 54)), 'too small'],
    ['a Mach-O object', changed(machine('x86_64-macos'), (copy) => copy.writeUInt32LE(1, 12)), 'an object file (.o)'],
    ['a Mach-O program', changed(machine('x86_64-macos'), (copy) => copy.writeUInt32LE(2, 12)), 'it is a program'],
  ])('%s', async (_, bytes, words) => {
    const message = await refusal(bytes);
    expect(message).toMatch(/^x\.so is not a library: /);
    expect(message).toContain(words);
  });

  test('a program of this host, position-independent, which has the type of a library', async () => {
    const program = path.join(mkdtempSync(path.join(tmpdir(), 'dlserve-')), 'program');
    execFileSync('cc', ['-fPIE', '-pie', '-x', 'c', '-o', program, '-'], { input: 'int main(void) { return 0; }' });
    expect(await refusal(readFileSync(program))).toContain('it is a program');
  });
});

test('misfitOf names both machines', async () => {
  const fits = async (target: string, system: System): Promise<string | undefined> => misfitOf(await readBinary(machine(target)), system);
  expect(await fits('aarch64-linux-gnu', linux('arm64'))).toBeUndefined();
  expect(await fits('aarch64-linux-gnu', linux('x64'))).toBe(
    'it was built for aarch64 ELF (Linux), this host is x86-64 linux: build it for this machine',
  );
  expect(await fits('aarch64-linux-gnu', mac)).toContain('this host is aarch64 darwin');
  expect(await fits('aarch64-macos', mac)).toBeUndefined();
  expect(await fits('s390x-linux-gnu', linux('s390x'))).toBeUndefined();
  expect(await fits('mips-linux-musleabi', linux('mipsel'))).toContain('built for mips ELF');
});

test('macOS takes both endings, Linux one', () => {
  expect(libraryEndings('darwin')).toEqual(['.dylib', '.so']);
  expect(libraryEndings('linux')).toEqual(['.so']);
});
