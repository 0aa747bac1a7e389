import type { Bytes } from '../bytes';
import type { Dynamic } from './dynamic';
import { fileOffset, isCode, type Elf } from './headers';
import type { SymbolKind } from '../binary';

/** Bindings and visibilities with which dlsym finds a symbol: GLOBAL, WEAK, GNU_UNIQUE; DEFAULT, PROTECTED. */
const BINDINGS = new Set([1, 2, 10]);
const VISIBILITIES = new Set([0, 3]);
const SHN_UNDEF = 0;
const STT_NOTYPE = 0;
/** FUNC and GNU_IFUNC. */
const FUNCTIONS = new Set([2, 10]);
/** Of a version index: the symbol is an old version, which dlsym does not find by its plain name. */
const VERSION_HIDDEN = 0x8000;

/** The defined symbols of a library's dynamic symbol table. */
export function readExports(elf: Elf, dynamic: Dynamic): Map<string, SymbolKind> {
  const exports = new Map<string, SymbolKind>();
  if (dynamic.symbols === undefined) return exports;
  const { bytes, is64 } = elf;
  const table = fileOffset(elf, dynamic.symbols);
  const versions = dynamic.versions === undefined ? undefined : fileOffset(elf, dynamic.versions);
  const size = is64 ? 24 : 16;
  const count = symbolCount(elf, dynamic);
  bytes.need(table, count * size);
  for (let i = 1; i < count; i++) {
    const at = table + i * size;
    const info = bytes.u8(at + (is64 ? 4 : 12));
    const visibility = bytes.u8(at + (is64 ? 5 : 13)) & 3;
    const section = bytes.u16(at + (is64 ? 6 : 14));
    if (section === SHN_UNDEF || !BINDINGS.has(info >> 4) || !VISIBILITIES.has(visibility)) continue;
    if (versions !== undefined && (bytes.u16(versions + 2 * i) & VERSION_HIDDEN) !== 0) continue;
    const name = bytes.string(dynamic.strings.offset + bytes.u32(at), dynamic.strings.limit);
    const type = info & 15;
    // Assembly often leaves its functions without a type.
    const called = FUNCTIONS.has(type) || (type === STT_NOTYPE && isCode(elf, bytes.word(at + (is64 ? 8 : 4), is64)));
    exports.set(name, called ? 'function' : 'data');
  }
  return exports;
}

/** How many symbols there are stands nowhere but in the hash tables over them. */
function symbolCount(elf: Elf, dynamic: Dynamic): number {
  if (dynamic.gnuHash !== undefined) return countByGnuHash(elf.bytes, fileOffset(elf, dynamic.gnuHash), elf.is64);
  if (dynamic.hash === undefined) return 0;
  const at = fileOffset(elf, dynamic.hash);
  return hasWideHash(elf) ? elf.bytes.u64(at + 8) : elf.bytes.u32(at + 4);
}

/** On 64-bit s390 and Alpha the words of DT_HASH have 8 bytes. */
function hasWideHash({ machine, is64 }: Elf): boolean {
  return is64 && (machine === 22 || machine === 0x9026);
}

/**
 * The last symbol is the end of the chain that begins last.
 * Format: https://sourceware.org/legacy-ml/binutils/2006-10/msg00377.html
 */
function countByGnuHash(bytes: Bytes, at: number, is64: boolean): number {
  const buckets = bytes.u32(at);
  const firstHashed = bytes.u32(at + 4);
  const start = at + 16 + bytes.u32(at + 8) * (is64 ? 8 : 4);
  const chains = start + 4 * buckets;
  bytes.need(start, 4 * buckets);
  let last = 0;
  for (let i = 0; i < buckets; i++) last = Math.max(last, bytes.u32(start + 4 * i));
  if (last < firstHashed) return firstHashed;
  while ((bytes.u32(chains + 4 * (last - firstHashed)) & 1) === 0) last++;
  return last + 1;
}
