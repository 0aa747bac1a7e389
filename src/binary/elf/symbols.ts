import type { SymbolKind } from '../binary';
import { EveryName, NameTable, type Allowance } from '../name-table';
import type { Which } from '../names';
import type { Dynamic } from './dynamic';
import { symbolCount } from './hash';
import { fileOffset, isCode, type Elf } from './headers';

/** Bindings and visibilities with which dlsym finds a symbol: GLOBAL, WEAK, GNU_UNIQUE; DEFAULT, PROTECTED. */
const BINDINGS = new Set([1, 2, 10]);
const VISIBILITIES = new Set([0, 3]);
export const SHN_UNDEF = 0;
const STT_NOTYPE = 0;
/** FUNC and GNU_IFUNC. */
export const FUNCTIONS = new Set([2, 10]);
/** Of a version index: the symbol is an old version, which dlsym does not find by its plain name. */
const VERSION_HIDDEN = 0x8000;

/** Bytes of a symbol. */
export function symbolSize({ is64 }: Elf): number {
  return is64 ? 24 : 16;
}

/**
 * The defined symbols that are wanted of a library's dynamic symbol table.
 * @throws Malformed
 */
export async function readExports(elf: Elf, dynamic: Dynamic, allowance: Allowance, which: Which): Promise<Map<string, SymbolKind>> {
  const found = new Map<string, SymbolKind>();
  if (dynamic.symbols === undefined) return found;
  const { source, is64, little } = elf;
  const size = symbolSize(elf);
  const count = await symbolCount(elf, dynamic);
  const start = fileOffset(elf, dynamic.symbols);
  const bytes = await source.bytes(start, count * size, little);
  const versionTable = dynamic.versions === undefined ? 0 : fileOffset(elf, dynamic.versions);
  const versions = dynamic.versions === undefined ? undefined : await source.bytes(versionTable, count * 2, little);
  const names = which === 'all' ? new EveryName(dynamic.strings, allowance) : new NameTable(dynamic.strings, allowance);
  for (let i = 1; i < count; i++) {
    const at = start + i * size;
    const info = bytes.u8(at + (is64 ? 4 : 12));
    const visibility = bytes.u8(at + (is64 ? 5 : 13)) & 3;
    const section = bytes.u16(at + (is64 ? 6 : 14));
    if (section === SHN_UNDEF || !BINDINGS.has(info >> 4) || !VISIBILITIES.has(visibility)) continue;
    if (versions !== undefined && (versions.u16(versionTable + 2 * i) & VERSION_HIDDEN) !== 0) continue;
    const name = names.at(bytes.u32(at));
    if (name === undefined) continue;
    allowance.keep();
    const type = info & 15;
    // Assembly often leaves its functions without a type.
    const called = FUNCTIONS.has(type) || (type === STT_NOTYPE && isCode(elf, bytes.word(at + (is64 ? 8 : 4), is64)));
    found.set(name, called ? 'function' : 'data');
  }
  return found;
}
