import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { readBinary, readLibrary } from '../../src/binary/read';
import { Source } from '../../src/binary/source';
import { ElfFile, symbol } from '../support/elf-file';
import { MachOFile, segment } from '../support/macho-file';
import { readInChild } from '../support/read-library';
import { scratch } from '../support/server';

const onLinux = process.platform === 'linux';
const MIB = 2 ** 20;

/** A large file in a fresh folder. */
function file(bytes: Buffer): string {
  const name = path.join(scratch(), 'x.so');
  writeFileSync(name, bytes);
  return name;
}

test('a library of 5 GiB is read in little memory', () => {
  const hole = 5 * 1024 * MIB;
  const elf = new ElfFile(hole);
  const bytes = elf.finish([...elf.addStrings(Buffer.from('GETHelloHandler\0')), ...elf.addSymbols(Buffer.concat([symbol(0), symbol(0)]))]);
  const name = file(bytes.subarray(0, 64));
  const descriptor = openSync(name, 'r+');
  writeSync(descriptor, bytes, 64, bytes.length - 64, 64 + hole);
  closeSync(descriptor);
  const { said, memory } = readInChild(name);
  expect(said).toBe('handlers: 1');
  expect(memory).toBeLessThan(160);
});

if (onLinux) {
  test('a library that is read in parts is the same as one that is read whole', async () => {
    const name = execFileSync('c++', ['-print-file-name=libstdc++.so.6'], { encoding: 'utf8' }).trim();
    const bytes = readFileSync(name);
    expect(bytes.length).toBeGreaterThan(MIB);
    const library = await readBinary(bytes);
    expect(library.glibc ?? library.libc).toBeDefined();
    expect(await readLibrary(name)).toEqual(library);
  });
}

test('a slice of a fat file is the same as by itself, also where its tables are far within', async () => {
  const macho = new MachOFile();
  macho.add(Buffer.alloc(MIB));
  // An edge to the byte behind it, where a function is.
  const trie = Buffer.from([0, 1, ...Buffer.from('_GETHelloHandler\0'), 20, 2, 0, 1, 0]);
  const slice = macho.finish([segment(1), macho.addTrie(trie)]);
  const header = Buffer.alloc(MIB);
  Buffer.from('cafebabe00000001', 'hex').copy(header);
  for (const [i, value] of [slice.readUInt32LE(4), slice.readUInt32LE(8), MIB, slice.length].entries()) header.writeUInt32BE(value, 8 + 4 * i);
  const library = await readBinary(slice);
  expect([...library.exports]).toEqual([['GETHelloHandler', 'function']]);
  expect(await readLibrary(file(Buffer.concat([header, slice, Buffer.alloc(MIB)])))).toEqual(library);
});

describe('a file that changes while it is read', () => {
  test('is refused where it became shorter', async () => {
    const name = file(Buffer.alloc(2 * MIB));
    const source = await Source.open(name);
    truncateSync(name, MIB);
    await expect(source.part(MIB - 10, 20)).rejects.toThrow('it became shorter while it was read');
    await source.close();
  });

  test('has the length of its beginning where it grows', async () => {
    const name = file(Buffer.alloc(MIB));
    const source = await Source.open(name);
    copyFileSync(process.execPath, name);
    expect(source.length).toBe(MIB);
    await expect(source.part(MIB - 10, 20)).rejects.toThrow('it ends too early');
    await source.close();
  });
});

test('what is no file is refused, and a pipe not waited for', async () => {
  const pipe = path.join(scratch(), 'pipe.so');
  execFileSync('mkfifo', [pipe]);
  await expect(readLibrary(pipe, pipe)).rejects.toThrow(`${pipe} is not a library: it is no regular file`);
  await expect(readLibrary(scratch())).rejects.toThrow('it is a folder');
  await expect(readLibrary(path.join(scratch(), 'nothing.so'))).rejects.toMatchObject({ code: 'ENOENT' });
});
