import { Malformed } from '../bytes';
import type { Source } from '../source';

/** Where in the file a table is: `count` entries of `size` bytes each. */
interface Table {
  readonly offset: number;
  readonly count: number;
  readonly size: number;
}

/** One program header. */
export interface Segment {
  readonly type: number;
  readonly executable: boolean;
  readonly offset: number;
  readonly address: number;
  /** Its bytes in the file. */
  readonly size: number;
}

/** What an ELF file says at its beginning. */
export interface Header {
  readonly is64: boolean;
  readonly little: boolean;
  /** e_type. */
  readonly type: number;
  /** e_machine. */
  readonly machine: number;
  readonly programHeaders: Table;
  /** `names` is the section that has the names of all; count is 0 where the section headers were stripped. */
  readonly sectionHeaders: Table & { readonly names: number };
}

/** An ELF file of which the headers are read. */
export interface Elf extends Header {
  readonly source: Source;
  readonly segments: readonly Segment[];
}

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;

/** Libraries have about ten. */
const MAX_SEGMENTS = 256;

/** @throws Malformed */
export async function readHeader(source: Source): Promise<Header> {
  const [, , , , width, order] = source.head;
  const is64 = width === 2;
  const little = order === 1;
  const bytes = await source.bytes(0, is64 ? 64 : 52, little);
  if (!is64 && width !== 1) throw new Malformed('its ELF header says neither 32 nor 64 bits');
  if (!little && order !== 2) throw new Malformed('its ELF header names no byte order');
  const sections = bytes.word(is64 ? 40 : 32, is64);
  // From here on all fields have two bytes.
  const at = is64 ? 54 : 42;
  return {
    is64,
    little,
    type: bytes.u16(16),
    machine: bytes.u16(18),
    programHeaders: { offset: bytes.word(is64 ? 32 : 28, is64), size: bytes.u16(at), count: bytes.u16(at + 2) },
    sectionHeaders: { offset: sections, size: bytes.u16(at + 4), count: sections === 0 ? 0 : bytes.u16(at + 6), names: bytes.u16(at + 8) },
  };
}

/** @throws Malformed */
export async function readSegments(source: Source, { is64, little, programHeaders }: Header): Promise<Segment[]> {
  const { offset, count, size } = programHeaders;
  if (count === 0) return [];
  if (size < (is64 ? 56 : 32)) throw new Malformed('its program headers are too small');
  if (count > MAX_SEGMENTS) throw new Malformed(`it has ${count} program headers, which is more than any library`);
  const bytes = await source.bytes(offset, count * size, little);
  return Array.from({ length: count }, (_, i) => {
    const at = offset + i * size;
    return {
      type: bytes.u32(at),
      executable: (bytes.u32(at + (is64 ? 4 : 24)) & 1) === 1,
      offset: bytes.word(at + (is64 ? 8 : 4), is64),
      address: bytes.word(at + (is64 ? 16 : 8), is64),
      size: bytes.word(at + (is64 ? 32 : 16), is64),
    };
  });
}

/** Where in the file the byte with this address is; it is an error if no segment holds it. */
export function fileOffset({ segments }: Elf, address: number): number {
  for (const segment of segments) {
    const within = address - segment.address;
    if (segment.type === PT_LOAD && within >= 0 && within < segment.size) return segment.offset + within;
  }
  throw new Malformed('an address in it lies outside of what would be loaded');
}

/** Whether the address lies in code. */
export function isCode({ segments }: Elf, address: number): boolean {
  return segments.some(
    ({ type, executable, address: start, size }) =>
      type === PT_LOAD && executable && address >= start && address < start + size,
  );
}
