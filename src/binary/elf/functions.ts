import { leniently } from '../bytes';
import type { Source } from '../source';
import { readHeader, type Elf } from './headers';
import { readSections } from './sections';
import { FUNCTIONS, SHN_UNDEF, symbolSize } from './symbols';

/** The functions of a library. */
export interface Functions {
  /** The one that this address of the file belongs to, as far as the symbols tell, and where it begins. */
  at(address: number): { readonly name: string; readonly start: number } | undefined;
}

const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;

/** Symbols; a table with more is not read, as that would take long. */
const MOST_SYMBOLS = 500_000;
const LONGEST_NAME = 256;

/** The functions of a library by its full symbol table, or else by that of its exports; null where neither can be read. */
export async function readElfFunctions(source: Source): Promise<Functions | null> {
  const elf: Elf = { ...(await readHeader(source)), source, segments: [] };
  const sections = await leniently(readSections(elf), []);
  const size = symbolSize(elf);
  for (const wanted of [SHT_SYMTAB, SHT_DYNSYM]) {
    const table = sections.find(({ type }) => type === wanted);
    const strings = table && sections[table.link];
    if (table === undefined || strings === undefined || table.size > MOST_SYMBOLS * size) continue;
    const bytes = await source.bytes(table.offset, table.size, elf.little);
    const found: [start: number, name: number][] = [];
    for (let at = table.offset + size; at + size <= table.offset + table.size; at += size) {
      const isFunction = FUNCTIONS.has(bytes.u8(at + (elf.is64 ? 4 : 12)) & 15) && bytes.u16(at + (elf.is64 ? 6 : 14)) !== SHN_UNDEF;
      if (isFunction) found.push([bytes.word(at + (elf.is64 ? 8 : 4), elf.is64), bytes.u32(at)]);
    }
    if (found.length > 0) return ordered(found, await source.part(strings.offset, strings.size));
  }
  return null;
}

function ordered(found: [start: number, name: number][], names: Buffer): Functions {
  found.sort(([a], [b]) => a - b);
  const starts = Float64Array.from(found, ([start]) => start);
  const places = Uint32Array.from(found, ([, name]) => name);
  return {
    at(address) {
      let low = 0;
      let high = starts.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (starts[middle]! <= address) low = middle + 1;
        else high = middle;
      }
      if (low === 0) return undefined;
      const place = places[low - 1]!;
      const end = names.subarray(place, place + LONGEST_NAME).indexOf(0);
      if (end <= 0) return undefined;
      return { name: names.toString('utf8', place, place + end), start: starts[low - 1]! };
    },
  };
}
