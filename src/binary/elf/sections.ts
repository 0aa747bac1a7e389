import type { Elf } from './headers';

/** One section header. */
export interface Section {
  /** Where its name is in the table of names. */
  readonly name: number;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  /** Another section that belongs to it: of a symbol table, its strings. */
  readonly link: number;
}

/** The section headers, which nothing that is loaded depends on; none where they were stripped or make no sense. */
export async function readSections({ source, sectionHeaders, is64, little }: Elf): Promise<Section[]> {
  const { offset, count, size } = sectionHeaders;
  if (count === 0 || size !== (is64 ? 64 : 40)) return [];
  const bytes = await source.bytes(offset, count * size, little);
  return Array.from({ length: count }, (_, i) => {
    const at = offset + i * size;
    return {
      name: bytes.u32(at),
      type: bytes.u32(at + 4),
      offset: bytes.word(at + (is64 ? 24 : 16), is64),
      size: bytes.word(at + (is64 ? 32 : 20), is64),
      link: bytes.u32(at + (is64 ? 40 : 24)),
    };
  });
}

const GO_SECTIONS = [Buffer.from('.go.buildinfo\0'), Buffer.from('.note.go.buildid\0')];

/** Where its note was stripped, a Go library still has the section with its build information. */
export async function hasGoSection({ source, sectionHeaders }: Elf, sections: readonly Section[]): Promise<boolean> {
  const table = sections[sectionHeaders.names];
  if (table === undefined) return false;
  const names = await source.part(table.offset, table.size);
  const offsets = new Set(sections.map(({ name }) => name));
  for (const wanted of GO_SECTIONS) {
    // A name may be the end of another one.
    for (let at = names.indexOf(wanted); at !== -1; at = names.indexOf(wanted, at + 1)) if (offsets.has(at)) return true;
  }
  return false;
}
