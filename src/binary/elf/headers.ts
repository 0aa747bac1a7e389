import { Bytes, Malformed } from '../bytes';

/** One program header. */
export interface Segment {
  readonly type: number;
  readonly executable: boolean;
  readonly offset: number;
  readonly address: number;
  /** Its bytes in the file. */
  readonly size: number;
}

/** The headers of an ELF shared library. */
export interface Elf {
  readonly bytes: Bytes;
  readonly is64: boolean;
  readonly little: boolean;
  /** e_machine. */
  readonly machine: number;
  readonly segments: readonly Segment[];
}

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;

export const IS_PROGRAM = 'it is a program, not a shared library: link it with -shared (Go: -buildmode=c-shared)';

/** e_type other than ET_DYN. */
const NOT_SHARED: Readonly<Record<number, string>> = {
  1: 'it is an object file (.o), which must be linked into a shared library: cc -shared',
  2: IS_PROGRAM,
  4: 'it is a core dump',
};
const ET_DYN = 3;

/**
 * Reads the ELF header and the program headers.
 * @throws Malformed where the file is no shared library, or where a part that is mapped at load is missing
 */
export function readHeaders(buffer: Buffer): Elf {
  const is64 = buffer[4] === 2;
  const little = buffer[5] === 1;
  const bytes = new Bytes(buffer, little);
  bytes.need(0, is64 ? 64 : 52);
  if (!is64 && buffer[4] !== 1) throw new Malformed('its ELF header says neither 32 nor 64 bits');
  if (!little && buffer[5] !== 2) throw new Malformed('its ELF header names no byte order');
  const type = bytes.u16(16);
  if (type !== ET_DYN)
    throw new Malformed(NOT_SHARED[type] ?? `its ELF type is ${type}, a shared library has ${ET_DYN}`);

  // Linkers write the section headers last, so this is where a file that was cut short shows first.
  const sections = sectionTable(bytes, is64);
  bytes.need(sections.offset, sections.count * sections.size);

  const offset = bytes.word(is64 ? 32 : 28, is64);
  const size = bytes.u16(is64 ? 54 : 42);
  const count = bytes.u16(is64 ? 56 : 44);
  if (count > 0 && size < (is64 ? 56 : 32)) throw new Malformed('its program headers are too small');
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const segment = readSegment(bytes, offset + i * size, is64);
    // A library that is loaded although its file is too short crashes the process at the first missing page.
    if (segment.type === PT_LOAD) bytes.need(segment.offset, segment.size);
    segments.push(segment);
  }
  return { bytes, is64, little, machine: bytes.u16(18), segments };
}

function readSegment(bytes: Bytes, at: number, is64: boolean): Segment {
  return {
    type: bytes.u32(at),
    executable: (bytes.u32(at + (is64 ? 4 : 24)) & 1) === 1,
    offset: bytes.word(at + (is64 ? 8 : 4), is64),
    address: bytes.word(at + (is64 ? 16 : 8), is64),
    size: bytes.word(at + (is64 ? 32 : 16), is64),
  };
}

function sectionTable(bytes: Bytes, is64: boolean): { offset: number; count: number; size: number; names: number } {
  const offset = bytes.word(is64 ? 40 : 32, is64);
  const at = is64 ? 58 : 46;
  return { offset, size: bytes.u16(at), count: offset === 0 ? 0 : bytes.u16(at + 2), names: bytes.u16(at + 4) };
}

/** The names of its sections; none where the section headers were stripped. */
export function* sectionNames({ bytes, is64 }: Elf): Generator<string> {
  const { offset, count, size, names } = sectionTable(bytes, is64);
  if (names >= count || size < (is64 ? 64 : 40)) return;
  const strings = offset + names * size;
  const start = bytes.word(strings + (is64 ? 24 : 16), is64);
  const limit = start + bytes.word(strings + (is64 ? 32 : 20), is64);
  for (let i = 1; i < count; i++) yield bytes.string(start + bytes.u32(offset + i * size), limit);
}

/** Where in the file the byte with this address is; it is an error if no segment holds it. */
export function fileOffset(elf: Elf, address: number): number {
  for (const segment of elf.segments) {
    const within = address - segment.address;
    if (segment.type === PT_LOAD && within >= 0 && within < segment.size) return segment.offset + within;
  }
  throw new Malformed('an address in it lies outside of what would be loaded');
}

/** Whether the address lies in code. */
export function isCode(elf: Elf, address: number): boolean {
  return elf.segments.some(
    ({ type, executable, address: start, size }) =>
      type === PT_LOAD && executable && address >= start && address < start + size,
  );
}
