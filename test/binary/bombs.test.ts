import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { DT, ElfFile, symbol } from '../support/elf-file';
import { command, MachOFile, nlist, segment } from '../support/macho-file';
import { readInChild } from '../support/read-library';
import { scratch } from '../support/server';

/** Much less than what any of the files would take if it were believed, in MB. */
const MEMORY = 256;

function repeat<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** Names by which a trie or a table can hold far more text than bytes: each is the end of the one before it. */
const NESTED = Buffer.from(`${'GET'.repeat(70)}Handler\0`);

const MANY = 100_000;

/** Each name is the end of the one before, up to 64 KiB long. */
const LONG = Buffer.concat([Buffer.alloc(65_536, 'a'), Buffer.alloc(1)]);

const OVERLAP = 'the names in it overlap so much that together they are longer than the file';

function elfWithSymbols(strings: Buffer, symbols: Buffer[]): Buffer {
  const file = new ElfFile();
  return file.finish([...file.addStrings(strings), ...file.addSymbols(Buffer.concat([symbol(0), ...symbols]))]);
}

function machOWithTrie(trie: readonly number[] | Buffer): Buffer {
  const file = new MachOFile();
  return file.finish([segment(1), file.addTrie(Buffer.from(trie))]);
}

/** A node of a trie: its symbol, which is empty where it ends no name, and its edges, with four bytes besides the text of each. */
function node(symbol: readonly number[], ...edges: readonly (readonly [text: string, child: number])[]): number[] {
  const offset = (child: number): number[] => [(child & 0x7f) | 0x80, ((child >> 7) & 0x7f) | 0x80, child >> 14];
  return [symbol.length, ...symbol, edges.length, ...edges.flatMap(([text, child]) => [...Buffer.from(`${text}\0`), ...offset(child)])];
}

/** A function at an address below 128. */
const FUNCTION = [0, 1];

test.each<[string, () => Buffer, string]>([
  ['many symbols with long names that overlap', () => elfWithSymbols(LONG, repeat(MANY, (i) => symbol(i % 60_000))), 'handlers: 0'],
  ['many symbols that begin within the name of a handler', () => elfWithSymbols(NESTED, repeat(MANY, (i) => symbol((i % 60) * 3))), OVERLAP],
  [
    'more handlers than a library can have',
    () => elfWithSymbols(Buffer.from(repeat(70_000, (i) => `GETx${String(i).padStart(5, '0')}Handler\0`).join('')), repeat(70_000, (i) => symbol(i * 17))),
    'more than 65536 names like those of handlers',
  ],
  [
    'a string table without an end, for each symbol another part of it',
    () => elfWithSymbols(Buffer.alloc(4_000_000, 'a'), repeat(MANY, (i) => symbol(i))),
    'handlers: 0',
  ],
  [
    'a string table of nothing but names of handlers',
    () => elfWithSymbols(Buffer.from('GETaHandler\0'.repeat(500_000)), []),
    'more than 65536 names like those of handlers',
  ],
  [
    'many needed libraries with long names that overlap',
    () => {
      const file = new ElfFile();
      return file.finish([...file.addStrings(LONG), ...repeat(60_000, (i) => [DT.NEEDED, i] as const)]);
    },
    OVERLAP,
  ],
  [
    'a dynamic segment of many megabytes',
    () => {
      const file = new ElfFile();
      return file.finish([...file.addStrings(Buffer.alloc(8)), ...repeat(MANY, () => [DT.NEEDED, 0] as const)]);
    },
    'its dynamic segment has 1600048 bytes',
  ],
  [
    'a hash chain without an end',
    () => {
      const file = new ElfFile();
      const dynamic = [...file.addStrings(Buffer.alloc(8)), [DT.SYMTAB, file.add(Buffer.alloc(24))] as const];
      const hash = file.add(Buffer.concat([Buffer.from(Uint32Array.of(1, 1, 1, 0, 0, 0, 1).buffer), Buffer.alloc(6_000_000)]));
      return file.finish([...dynamic, [DT.GNU_HASH, hash]]);
    },
    'it ends too early',
  ],
  [
    'as many hash buckets as can be written',
    () => {
      const file = new ElfFile();
      const hash = file.add(Buffer.from(Uint32Array.of(0xffff_ffff, 1, 1, 0).buffer));
      return file.finish([...file.addStrings(Buffer.alloc(8)), [DT.SYMTAB, 64], [DT.GNU_HASH, hash]]);
    },
    'it ends too early',
  ],
  [
    'as many symbols as can be written',
    () => {
      const file = new ElfFile();
      const hash = file.add(Buffer.from(Uint32Array.of(1, 0xffff_ffff).buffer));
      return file.finish([...file.addStrings(Buffer.alloc(8)), [DT.SYMTAB, 64], [DT.HASH, hash]]);
    },
    'it ends too early',
  ],
  [
    'as many program headers as can be written',
    () => new ElfFile().finish([], repeat(65_000, () => ({ type: 4, offset: 0, size: 0 }))),
    'it has 65002 program headers',
  ],
  [
    'notes that all segments share',
    () => {
      const file = new ElfFile();
      const dynamic = file.addStrings(Buffer.alloc(8));
      const notes = Buffer.alloc(6_000_000);
      return file.finish(dynamic, repeat(250, (i) => ({ type: 4, offset: file.add(i === 0 ? notes : Buffer.alloc(0)) - (i === 0 ? 0 : notes.length), size: notes.length })));
    },
    'handlers: 0',
  ],
  [
    'versions that overlap',
    () => {
      const file = new ElfFile();
      const dynamic = file.addStrings(Buffer.concat([Buffer.alloc(4_000_000, 'a'), Buffer.alloc(1)]));
      // Each record begins within the one before it.
      const needs = file.add(Buffer.alloc(70_000, Buffer.from([4, 0, 0, 0])));
      return file.finish([...dynamic, [DT.VERNEED, needs]]);
    },
    'handlers: 0',
  ],
  [
    'many sections with long names that overlap',
    () => {
      const file = new ElfFile();
      const dynamic = file.addStrings(LONG);
      return file.finish(dynamic, [], repeat(65_000, (i) => ({ type: 3, name: i, offset: dynamic[0]![1], size: LONG.length })));
    },
    'handlers: 0',
  ],
  [
    'a full symbol table whose names overlap',
    () => {
      const file = new ElfFile();
      const dynamic = file.addStrings(Buffer.alloc(8));
      const symbols = Buffer.concat(repeat(MANY, (i) => symbol((i % 60) * 3, { binding: 0 })));
      const table = { type: 2, offset: file.add(symbols), size: symbols.length, link: 1 };
      return file.finish(dynamic, [], [table, { type: 3, offset: file.add(NESTED), size: NESTED.length }]);
    },
    'handlers: 0',
  ],
  ['an export table that runs in a circle', () => machOWithTrie(node([], ['_', 0])), 'its export table runs in a circle'],
  [
    'an export table whose nodes have two ways to the next',
    () => machOWithTrie([...repeat(40, (i) => node([], ['a', (i + 1) * 12], ['b', (i + 1) * 12])), node(FUNCTION)].flat()),
    'its export table runs in a circle',
  ],
  [
    'an export table in which every node ends a name that is longer than the last',
    () => machOWithTrie(Buffer.from([...repeat(200_000, (i) => node(FUNCTION, ['a', (i + 1) * 9])), node(FUNCTION)].flat())),
    'handlers: 0',
  ],
  [
    'an export table whose nodes overlap',
    () => machOWithTrie(Buffer.concat([Buffer.from(node([], ['_', 7])), Buffer.alloc(4_000_000, 1), Buffer.alloc(1)])),
    'its export table',
  ],
  ['load commands of many megabytes', () => new MachOFile().finish(repeat(MANY, () => command(0x1b, [0, 0, 0, 0]))), 'its load commands have 2400000 bytes'],
  ['more sections than can be named', () => new MachOFile().finish([segment(300)]), 'it has more than 255 sections'],
  [
    'many symbols that begin within the name of a handler, in Mach-O',
    () => {
      const file = new MachOFile();
      const symbols = Buffer.concat(repeat(MANY, (i) => nlist((i % 60) * 3)));
      return file.finish([segment(255), file.addSymbols(symbols, NESTED)]);
    },
    OVERLAP,
  ],
  [
    'a fat file whose slices are all the same',
    () => {
      const slice = new MachOFile().finish([segment(1)]);
      const headers = repeat(42, () => Buffer.from([0x01, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0x10, 0, 0, 0x01, 0, 0, 0, 0, 0, 0]));
      for (const header of headers) header.writeUInt32BE(slice.length, 12);
      return Buffer.concat([Buffer.from('cafebabe0000002a', 'hex'), ...headers, Buffer.alloc(4096 - 8 - 42 * 20), slice, Buffer.alloc(1)]);
    },
    'handlers: 0',
  ],
])('%s: read within bounds', (_, make, words) => {
  const file = path.join(scratch(), 'bomb.so');
  writeFileSync(file, make());
  const { said, memory, seconds } = readInChild(file);
  expect(said).toContain(words);
  expect(memory).toBeLessThan(MEMORY);
  expect(seconds).toBeLessThan(10);
});
