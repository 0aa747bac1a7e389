import type { Hiding, SymbolKind } from '../binary';
import { Allowance, NameTable } from '../name-table';
import { isMissing, MAX_SEARCHED } from '../names';
import type { Elf } from './headers';
import type { Section } from './sections';
import { FUNCTIONS, SHN_UNDEF, symbolSize } from './symbols';

const SHT_SYMTAB = 2;
const STB_LOCAL = 0;
const STT_FILE = 4;
const STV_DEFAULT = 0;

/**
 * Functions named like handlers in the full symbol table, which dlsym does not go by; none where it was stripped.
 * @throws Malformed
 */
export async function readUnexported(
  elf: Elf,
  sections: readonly Section[],
  exports: ReadonlyMap<string, SymbolKind>,
): Promise<Map<string, Hiding>> {
  const found = new Map<string, Hiding>();
  const table = sections.find(({ type }) => type === SHT_SYMTAB);
  const strings = table && sections[table.link];
  if (table === undefined || strings === undefined || Math.max(table.size, strings.size) > MAX_SEARCHED) return found;
  const { source, is64, little } = elf;
  const texts = await source.part(strings.offset, strings.size);
  const allowance = new Allowance(source.length);
  const names = new NameTable(texts, allowance, (name) => isMissing(name, exports));
  // So it is with most libraries.
  if (names.isEmpty) return found;
  const bytes = await source.bytes(table.offset, table.size, little);
  const size = symbolSize(elf);
  let file = true;
  for (let at = table.offset + size; at + size <= table.offset + table.size; at += size) {
    const info = bytes.u8(at + (is64 ? 4 : 12));
    const type = info & 15;
    // The hidden symbols of all files come behind the static ones of each; GNU ld puts a file without a name before them.
    if (type === STT_FILE) file = texts[bytes.u32(at)] !== 0;
    if (!FUNCTIONS.has(type) || bytes.u16(at + (is64 ? 6 : 14)) === SHN_UNDEF) continue;
    const name = names.at(bytes.u32(at));
    if (name === undefined || exports.has(name)) continue;
    allowance.keep();
    const visibility = bytes.u8(at + (is64 ? 5 : 13)) & 3;
    found.set(name, info >> 4 === STB_LOCAL && visibility === STV_DEFAULT && file ? 'static' : 'hidden');
  }
  return found;
}
