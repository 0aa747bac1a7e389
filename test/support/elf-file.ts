/** Tags of the dynamic segment. */
export const DT = { NEEDED: 1, HASH: 4, STRTAB: 5, SYMTAB: 6, STRSZ: 10, RUNPATH: 29, GNU_HASH: 0x6fff_fef5, VERNEED: 0x6fff_fffe } as const;

/** A program header; where its bytes are in the file. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** A section header. */
export interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly name?: number;
  readonly link?: number;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;

/** An ELF library for x86-64 put together by hand, such as no linker writes. Its addresses are offsets in the file. */
export class ElfFile {
  readonly #hole: number;
  readonly #parts: Buffer[] = [];
  #length: number;

  /** @param hole bytes behind its header that are left out of what is made; offsets count them */
  constructor(hole = 0) {
    this.#hole = hole;
    this.#length = 64 + hole;
  }

  /** Adds bytes. @returns where they are in the file */
  add(bytes: Buffer): number {
    const padded = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
    this.#parts.push(padded);
    this.#length += padded.length;
    return this.#length - padded.length;
  }

  /** Adds a string table. @returns the entries of the dynamic segment that say where it is */
  addStrings(strings: Buffer): [tag: number, value: number][] {
    return [[DT.STRTAB, this.add(strings)], [DT.STRSZ, strings.length]];
  }

  /** Adds a symbol table, and a hash table that says how long it is. @returns the entries of the dynamic segment that say where they are */
  addSymbols(symbols: Buffer): [tag: number, value: number][] {
    return [[DT.SYMTAB, this.add(symbols)], [DT.HASH, this.add(Buffer.from(Uint32Array.of(1, symbols.length / 24).buffer))]];
  }

  /** The whole file. */
  finish(dynamic: readonly (readonly [tag: number, value: number])[], segments: readonly Segment[] = [], sections: readonly Section[] = []): Buffer {
    const table = this.add(words([...dynamic, [0, 0]].flat()));
    const all = [{ type: PT_DYNAMIC, offset: table, size: 16 * (dynamic.length + 1) }, ...segments];
    const sectionHeaders = this.add(Buffer.concat(sections.map(sectionHeader)));
    const programHeaders = this.add(Buffer.alloc(56 * (all.length + 1)));
    const load = { type: PT_LOAD, offset: 0, size: this.#length };
    const headers = Buffer.concat([load, ...all].map(programHeader));
    const whole = Buffer.concat([Buffer.alloc(64), ...this.#parts]);
    headers.copy(whole, programHeaders - this.#hole);
    Buffer.from('7f454c46020101', 'hex').copy(whole);
    whole.writeUInt16LE(3, 16); // ET_DYN
    whole.writeUInt16LE(62, 18); // x86-64
    whole.writeBigUInt64LE(BigInt(programHeaders), 32);
    whole.writeBigUInt64LE(BigInt(sections.length === 0 ? 0 : sectionHeaders), 40);
    for (const [i, value] of [64, 56, all.length + 1, 64, sections.length, 0].entries()) whole.writeUInt16LE(value, 52 + 2 * i);
    return whole;
  }
}

/** @param name its offset in the string table */
export function symbol(name: number, { type = 2, binding = 1, visibility = 0, section = 1 } = {}): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(name, 0);
  bytes.writeUInt8(binding * 16 + type, 4);
  bytes.writeUInt8(visibility, 5);
  bytes.writeUInt16LE(section, 6);
  return bytes;
}

/** Integers of 8 bytes. */
export function words(values: readonly number[]): Buffer {
  return Buffer.from(BigUint64Array.from(values, BigInt).buffer);
}

function programHeader({ type, offset, size }: Segment): Buffer {
  const bytes = words([0, offset, offset, offset, size, size, 1]);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(5, 4); // readable, executable
  return bytes;
}

function sectionHeader({ type, offset, size, name = 0, link = 0 }: Section): Buffer {
  const bytes = words([0, 0, 0, offset, size, 0, 1, 0]);
  bytes.writeUInt32LE(name, 0);
  bytes.writeUInt32LE(type, 4);
  bytes.writeUInt32LE(link, 40);
  return bytes;
}
