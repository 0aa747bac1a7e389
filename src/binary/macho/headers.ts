import type { SymbolKind } from '../binary';
import { Malformed, type Bytes } from '../bytes';
import type { Source } from '../source';

/** One section of a Mach-O file. */
export interface Section {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  /** Whether it holds machine code. */
  readonly executable: boolean;
}

/** The headers and load commands of a thin Mach-O library. */
export interface MachO {
  readonly source: Source;
  readonly is64: boolean;
  readonly little: boolean;
  readonly cpu: number;
  readonly subtype: number;
  readonly sections: readonly Section[];
  /** Address of the segment __TEXT, which the addresses of the export trie count from. */
  readonly text: number;
  readonly needed: readonly string[];
  readonly runpath: readonly string[];
  /** The export trie: where it is in the file, and its length. */
  readonly trie: { readonly offset: number; readonly size: number } | undefined;
  /** The symbol table and its strings. */
  readonly symbols:
    { readonly offset: number; readonly size: number; readonly strings: number; readonly stringsSize: number } | undefined;
}

/** What is at an address. */
export function kindAt({ sections }: MachO, address: number): SymbolKind {
  const section = sections.find(({ address: start, size }) => address >= start && address < start + size);
  return section?.executable === true ? 'function' : 'data';
}

/** filetype other than MH_DYLIB and MH_BUNDLE. */
const NOT_SHARED: Readonly<Record<number, string>> = {
  1: 'it is an object file (.o), which must be linked into a shared library: cc -shared',
  2: 'it is a program, not a shared library: link it with -shared (Go: -buildmode=c-shared)',
  4: 'it is a core dump',
  9: 'it is a stub to link with, without any code',
  10: 'it holds debug information only, split off from a library',
};
const MH_DYLIB = 6;
const MH_BUNDLE = 8;

const LC = {
  SEGMENT: 0x1,
  SYMTAB: 0x2,
  LOAD_DYLIB: 0xc,
  SEGMENT_64: 0x19,
  DYLD_INFO: 0x22,
  DYLD_INFO_ONLY: 0x8000_0022,
  RPATH: 0x8000_001c,
  REEXPORT_DYLIB: 0x8000_001f,
  LOAD_UPWARD_DYLIB: 0x8000_0023,
  EXPORTS_TRIE: 0x8000_0033,
} as const;

/** Bytes; those of the largest programs have some ten thousand. */
const MAX_COMMANDS = 1024 * 1024;
/** A symbol names its section in one byte. */
const MAX_SECTIONS = 255;

/** S_ATTR_PURE_INSTRUCTIONS and S_ATTR_SOME_INSTRUCTIONS. */
const INSTRUCTIONS = 0x8000_0400;

/**
 * Reads the header and the load commands, as in <mach-o/loader.h>.
 * @throws Malformed where the file is no shared library, or where a part that is mapped at load is missing
 */
export async function readHeaders(source: Source): Promise<MachO> {
  const { head } = source;
  if (head.length < 28) throw new Malformed('it ends within its Mach-O header');
  const magic = head.readUInt32LE(0);
  const little = magic === 0xfeed_face || magic === 0xfeed_facf;
  const is64 = (little ? magic : head.readUInt32BE(0)) === 0xfeed_facf;
  const size = little ? head.readUInt32LE(20) : head.readUInt32BE(20);
  if (size > MAX_COMMANDS) throw new Malformed(`its load commands have ${size} bytes, which is more than those of any library`);
  const bytes = await source.bytes(0, (is64 ? 32 : 28) + size, little);
  const type = bytes.u32(12);
  if (type !== MH_DYLIB && type !== MH_BUNDLE) {
    throw new Malformed(
      NOT_SHARED[type] ?? `its Mach-O file type is ${type}, a shared library has ${MH_DYLIB} or ${MH_BUNDLE}`,
    );
  }
  const sections: Section[] = [];
  const needed: string[] = [];
  const runpath: string[] = [];
  let text = 0;
  let trie: MachO['trie'];
  let symbols: MachO['symbols'];
  for (const { command, at, end } of commands(bytes, is64)) {
    switch (command) {
      case LC.SEGMENT:
      case LC.SEGMENT_64: {
        const wide = command === LC.SEGMENT_64;
        if (bytes.field(at + 8, 16) === '__TEXT') text = bytes.word(at + 24, wide);
        // A library that is loaded although its file is too short crashes the process at the first missing page.
        source.need(bytes.word(at + (wide ? 40 : 32), wide), bytes.word(at + (wide ? 48 : 36), wide));
        sections.push(...readSections(bytes, at, end, wide));
        if (sections.length > MAX_SECTIONS) throw new Malformed(`it has more than ${MAX_SECTIONS} sections`);
        break;
      }
      // A weak dependency (LC_LOAD_WEAK_DYLIB) may be missing, so it is not listed.
      case LC.LOAD_DYLIB:
      case LC.REEXPORT_DYLIB:
      case LC.LOAD_UPWARD_DYLIB:
        needed.push(bytes.string(at + bytes.u32(at + 8), end));
        break;
      case LC.RPATH:
        runpath.push(bytes.string(at + bytes.u32(at + 8), end));
        break;
      case LC.DYLD_INFO:
      case LC.DYLD_INFO_ONLY:
        trie = { offset: bytes.u32(at + 40), size: bytes.u32(at + 44) };
        break;
      case LC.EXPORTS_TRIE:
        trie = { offset: bytes.u32(at + 8), size: bytes.u32(at + 12) };
        break;
      case LC.SYMTAB: {
        symbols = {
          offset: bytes.u32(at + 8),
          size: bytes.u32(at + 12) * (is64 ? 16 : 12),
          strings: bytes.u32(at + 16),
          stringsSize: bytes.u32(at + 20),
        };
        break;
      }
    }
  }
  return { source, is64, little, cpu: bytes.u32(4), subtype: bytes.u32(8), sections, text, needed, runpath, trie, symbols };
}

function* commands(bytes: Bytes, is64: boolean): Generator<{ command: number; at: number; end: number }> {
  const start = is64 ? 32 : 28;
  const end = start + bytes.u32(20);
  let at = start;
  for (let left = bytes.u32(16); left > 0; left--) {
    const size = bytes.u32(at + 4);
    if (size < 8 || at + size > end) throw new Malformed('one of its load commands has an impossible size');
    yield { command: bytes.u32(at), at, end: at + size };
    at += size;
  }
}

/** The sections of the segment whose command is at `at`. */
function* readSections(bytes: Bytes, at: number, end: number, is64: boolean): Generator<Section> {
  const start = at + (is64 ? 72 : 56);
  const size = is64 ? 80 : 68;
  const count = bytes.u32(at + (is64 ? 64 : 48));
  if (start + count * size > end) throw new Malformed('one of its segments has more sections than fit');
  for (let section = start; section < start + count * size; section += size) {
    yield {
      name: bytes.field(section, 16),
      address: bytes.word(section + 32, is64),
      size: bytes.word(section + (is64 ? 40 : 36), is64),
      executable: (bytes.u32(section + (is64 ? 64 : 56)) & INSTRUCTIONS) !== 0,
    };
  }
}
