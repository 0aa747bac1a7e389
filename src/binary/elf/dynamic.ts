import { Malformed } from '../bytes';
import type { Allowance } from '../name-table';
import { fileOffset, PT_DYNAMIC, type Elf } from './headers';

/** What the dynamic segment of a shared library says. Addresses are as the file has them. */
export interface Dynamic {
  readonly needed: readonly string[];
  readonly runpath: readonly string[];
  /** Whether that is of DT_RPATH. */
  readonly runpathInherited: boolean;
  /** DT_FLAGS_1. */
  readonly flags: number;
  /** DT_DEBUG is there. */
  readonly debug: boolean;
  /** The string table. */
  readonly strings: Buffer;
  /** Addresses of tables; undefined where there is none. */
  readonly symbols: number | undefined;
  readonly hash: number | undefined;
  readonly gnuHash: number | undefined;
  readonly versions: number | undefined;
  readonly versionNeeds: number | undefined;
}

const DT = {
  NULL: 0,
  NEEDED: 1,
  HASH: 4,
  STRTAB: 5,
  SYMTAB: 6,
  STRSZ: 10,
  RPATH: 15,
  DEBUG: 21,
  RUNPATH: 29,
  GNU_HASH: 0x6fff_fef5,
  VERSYM: 0x6fff_fff0,
  FLAGS_1: 0x6fff_fffb,
  VERNEED: 0x6fff_fffe,
} as const;

/** Bytes: some tens of thousands of entries. */
const MAX_SIZE = 1024 * 1024;

/** @throws Malformed */
export async function readDynamic(elf: Elf, allowance: Allowance): Promise<Dynamic> {
  const { source, little } = elf;
  const { values, needed } = await readEntries(elf);
  const table = values.get(DT.STRTAB);
  if (table === undefined) throw new Malformed('its dynamic segment names no string table');
  const offset = fileOffset(elf, table);
  const size = values.get(DT.STRSZ) ?? 0;
  const strings = await source.bytes(offset, size, little);
  const text = (at: number): string => {
    const found = strings.string(offset + at, offset + size);
    allowance.read(found.length);
    return found;
  };
  // DT_RPATH counts only where there is no DT_RUNPATH (ld.so(8)).
  const runpath = values.get(DT.RUNPATH) ?? values.get(DT.RPATH);
  return {
    needed: needed.map(text),
    runpath: runpath === undefined ? [] : text(runpath).split(':').filter((folder) => folder !== ''),
    runpathInherited: !values.has(DT.RUNPATH),
    flags: values.get(DT.FLAGS_1) ?? 0,
    debug: values.has(DT.DEBUG),
    strings: strings.buffer,
    symbols: values.get(DT.SYMTAB),
    hash: values.get(DT.HASH),
    gnuHash: values.get(DT.GNU_HASH),
    versions: values.get(DT.VERSYM),
    versionNeeds: values.get(DT.VERNEED),
  };
}

/** The entries of the dynamic segment: of DT_NEEDED all values, of each other tag the last, as for the loader. */
async function readEntries({ source, segments, is64, little }: Elf): Promise<{ values: Map<number, number>; needed: number[] }> {
  const segment = segments.find(({ type }) => type === PT_DYNAMIC);
  if (segment === undefined) throw new Malformed('it has no dynamic segment, so nothing can be loaded from it');
  const { offset, size } = segment;
  if (size === 0) throw new Malformed('it holds debug information only, split off from a library');
  if (size > MAX_SIZE) throw new Malformed(`its dynamic segment has ${size} bytes, which is more than that of any library`);
  const bytes = await source.bytes(offset, size, little);
  const values = new Map<number, number>();
  const needed: number[] = [];
  const word = is64 ? 8 : 4;
  for (let at = offset; at + 2 * word <= offset + size; at += 2 * word) {
    const tag = bytes.word(at, is64);
    const value = bytes.word(at + word, is64);
    if (tag === DT.NULL) break;
    if (tag === DT.NEEDED) needed.push(value);
    else values.set(tag, value);
  }
  return { values, needed };
}
