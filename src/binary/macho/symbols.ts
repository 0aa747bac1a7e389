import type { Binary, Hiding, SymbolKind } from '../binary';
import { leniently } from '../bytes';
import { Allowance, NameTable } from '../name-table';
import { isMissing, isOfInterest, MAX_SEARCHED, type Which } from '../names';
import { kindAt, type MachO } from './headers';
import { readTrie } from './trie';

/**
 * The symbols of a Mach-O library, without the underscore that C names carry there. It exports those of the export trie, which
 * dyld goes by, else (files from before 2009) those of the symbol table.
 * @throws Malformed
 */
export async function readSymbols(macho: MachO, allowance: Allowance, which: Which): Promise<Pick<Binary, 'exports' | 'unexported'>> {
  const { trie } = macho;
  const exports = trie !== undefined && trie.size > 0 ? plain(await readTrie(macho, trie, allowance, which)) : await readTable(macho, allowance);
  return { exports, unexported: await leniently(readUnexported(macho, exports), new Map<string, Hiding>()) };
}

function plain<T>(symbols: Iterable<readonly [string, T]>): Map<string, T> {
  const names = new Map<string, T>();
  for (const [name, value] of symbols) if (name.startsWith('_')) names.set(name.slice(1), value);
  return names;
}

async function readTable(macho: MachO, allowance: Allowance): Promise<Map<string, SymbolKind>> {
  const symbols = await definedSymbols(macho, allowance, isOfInterest);
  return plain(symbols.filter(({ isExported }) => isExported).map(({ name, kind }) => [name, kind]));
}

/** Functions named like handlers that the symbol table has and dlsym does not find; none where it was stripped. */
async function readUnexported(macho: MachO, exports: ReadonlyMap<string, SymbolKind>): Promise<Map<string, Hiding>> {
  const { symbols, source } = macho;
  if (symbols === undefined || Math.max(symbols.size, symbols.stringsSize) > MAX_SEARCHED) return new Map();
  const found = await definedSymbols(macho, new Allowance(source.length), (name) => isMissing(name, exports));
  const functions = found.filter(({ kind, name }) => kind === 'function' && !exports.has(name.slice(1)));
  return plain(functions.map(({ name, isPrivate }) => [name, isPrivate ? 'hidden' : 'static']));
}

/** A symbol that is defined in the library. */
interface Defined {
  readonly name: string;
  readonly kind: SymbolKind;
  readonly isExported: boolean;
  /** Hidden, and so the library's own: it was external to the files that it was linked from. */
  readonly isPrivate: boolean;
}

const N_STAB = 0xe0;
const N_PRIVATE_EXTERNAL = 0x10;
const N_TYPE = 0x0e;
const N_SECT = 0x0e;
const N_EXTERNAL = 0x01;

/** <mach-o/nlist.h> */
async function definedSymbols(macho: MachO, allowance: Allowance, isWanted: (name: string) => boolean): Promise<Defined[]> {
  const { source, is64, little, symbols } = macho;
  if (symbols === undefined) return [];
  const names = new NameTable(await source.part(symbols.strings, symbols.stringsSize), allowance, isWanted);
  if (names.isEmpty) return [];
  const found: Defined[] = [];
  const bytes = await source.bytes(symbols.offset, symbols.size, little);
  const size = is64 ? 16 : 12;
  for (let at = symbols.offset; at < symbols.offset + symbols.size; at += size) {
    const type = bytes.u8(at + 4);
    if ((type & N_STAB) !== 0 || (type & N_TYPE) !== N_SECT) continue;
    const name = names.at(bytes.u32(at));
    if (name === undefined) continue;
    allowance.keep();
    const isPrivate = (type & N_PRIVATE_EXTERNAL) !== 0;
    found.push({ name, kind: kindAt(macho, bytes.word(at + 8, is64)), isExported: (type & N_EXTERNAL) !== 0 && !isPrivate, isPrivate });
  }
  return found;
}
