import { Malformed, type Bytes } from '../bytes';
import type { MachO } from './headers';
import type { SymbolKind } from '../binary';

/**
 * The symbols that a Mach-O library exports, without the underscore that C names carry there: those of the export trie,
 * which dyld goes by, else (files from before 2009) those of the symbol table.
 */
export function readExports(macho: MachO): Map<string, SymbolKind> {
  const exports = new Map<string, SymbolKind>();
  const found = macho.trie !== undefined && macho.trie.size > 0 ? trieSymbols(macho, macho.trie) : tableSymbols(macho);
  for (const [name, kind] of found) if (name.startsWith('_')) exports.set(name.slice(1), kind);
  return exports;
}

function kindAt({ sections }: MachO, address: number): SymbolKind {
  const section = sections.find(
    (candidate) => address >= candidate.address && address < candidate.address + candidate.size,
  );
  return section?.executable === true ? 'function' : 'data';
}

/** Flags of a trie's node, <mach-o/loader.h>. */
const KIND_MASK = 0x03;
const KIND_REGULAR = 0x00;
const REEXPORT = 0x08;

/** No name is longer; a hostile trie could otherwise grow without end. */
const MAX_NAME = 32_768;

/** A node is its size, its symbol where it ends a name, the number of its edges, and for each a text and the next node. */
function* trieSymbols(
  macho: MachO,
  { offset, size }: { offset: number; size: number },
): Generator<[string, SymbolKind]> {
  const { bytes } = macho;
  bytes.need(offset, size);
  const limit = offset + size;
  const seen = new Set<number>();
  const waiting: { node: number; prefix: string }[] = [{ node: 0, prefix: '' }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, prefix } = next;
    if (seen.has(node) || prefix.length > MAX_NAME) throw new Malformed('its export table runs in a circle');
    seen.add(node);
    const cursor = new Cursor(bytes, offset + node, limit);
    const terminal = cursor.uleb();
    const children = cursor.at + terminal;
    if (terminal > 0) {
      const flags = cursor.uleb();
      // What another library provides can't be looked into; such re-exports are functions as a rule.
      const kind = flags & REEXPORT ? 'function' : kindAt(macho, macho.text + cursor.uleb());
      yield [prefix, (flags & KIND_MASK) === KIND_REGULAR ? kind : 'data'];
    }
    cursor.at = children;
    for (let left = cursor.byte(); left > 0; left--) {
      const edge = cursor.text();
      waiting.push({ prefix: prefix + edge, node: cursor.uleb() });
    }
  }
}

/** Reads on and on within the trie. */
class Cursor {
  constructor(
    private readonly bytes: Bytes,
    public at: number,
    private readonly limit: number,
  ) {}

  byte(): number {
    if (this.at >= this.limit) throw new Malformed('its export table points outside of itself');
    return this.bytes.u8(this.at++);
  }

  /** A number of 64 bits in LEB128; inexact from 2^53 on. */
  uleb(): number {
    let value = 0;
    for (let digit = 0; digit < 10; digit++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 128 ** digit;
      if (byte < 0x80) return value;
    }
    throw new Malformed('its export table holds an endless number');
  }

  text(): string {
    const text = this.bytes.string(this.at, this.limit);
    this.at += Buffer.byteLength(text) + 1;
    return text;
  }
}

const N_STAB = 0xe0;
const N_PRIVATE_EXTERNAL = 0x10;
const N_TYPE = 0x0e;
const N_SECT = 0x0e;
const N_EXTERNAL = 0x01;

/** <mach-o/nlist.h> */
function* tableSymbols(macho: MachO): Generator<[string, SymbolKind]> {
  const { bytes, is64, symbols } = macho;
  if (symbols === undefined) return;
  const size = is64 ? 16 : 12;
  bytes.need(symbols.offset, symbols.count * size);
  for (let at = symbols.offset; at < symbols.offset + symbols.count * size; at += size) {
    const type = bytes.u8(at + 4);
    if ((type & (N_STAB | N_PRIVATE_EXTERNAL)) !== 0 || (type & N_EXTERNAL) === 0 || (type & N_TYPE) !== N_SECT)
      continue;
    yield [bytes.string(symbols.strings + bytes.u32(at), symbols.limit), kindAt(macho, bytes.word(at + 8, is64))];
  }
}
