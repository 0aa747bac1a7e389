import { Malformed } from '../bytes';
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
  /** Where in the file the string table is, and where it ends. */
  readonly strings: { readonly offset: number; readonly limit: number };
  /** Addresses of tables; undefined where there is none. */
  readonly symbols: number | undefined;
  readonly hash: number | undefined;
  readonly gnuHash: number | undefined;
  readonly versions: number | undefined;
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
} as const;

/** @throws Malformed */
export function readDynamic(elf: Elf): Dynamic {
  const { bytes, is64 } = elf;
  const segment = elf.segments.find(({ type }) => type === PT_DYNAMIC);
  if (segment === undefined) throw new Malformed('it has no dynamic segment, so nothing can be loaded from it');
  if (segment.size === 0) throw new Malformed('it holds debug information only, split off from a library');
  bytes.need(segment.offset, segment.size);
  const word = is64 ? 8 : 4;
  const entries: [tag: number, value: number][] = [];
  for (let at = segment.offset; at + 2 * word <= segment.offset + segment.size; at += 2 * word) {
    const tag = bytes.word(at, is64);
    if (tag === DT.NULL) break;
    entries.push([tag, bytes.word(at + word, is64)]);
  }
  const first = (wanted: number): number | undefined => entries.find(([tag]) => tag === wanted)?.[1];
  const table = first(DT.STRTAB);
  if (table === undefined) throw new Malformed('its dynamic segment names no string table');
  const offset = fileOffset(elf, table);
  const strings = { offset, limit: offset + (first(DT.STRSZ) ?? 0) };
  bytes.need(strings.offset, strings.limit - strings.offset);
  const texts = (wanted: number): string[] =>
    entries.filter(([tag]) => tag === wanted).map(([, value]) => bytes.string(offset + value, strings.limit));
  // DT_RPATH counts only where there is no DT_RUNPATH (ld.so(8)).
  const runpathInherited = first(DT.RUNPATH) === undefined;
  const runpath = texts(runpathInherited ? DT.RPATH : DT.RUNPATH);
  return {
    needed: texts(DT.NEEDED),
    runpath: runpath.flatMap((paths) => paths.split(':')).filter((folder) => folder !== ''),
    runpathInherited,
    flags: first(DT.FLAGS_1) ?? 0,
    debug: first(DT.DEBUG) !== undefined,
    strings,
    symbols: first(DT.SYMTAB),
    hash: first(DT.HASH),
    gnuHash: first(DT.GNU_HASH),
    versions: first(DT.VERSYM),
  };
}
