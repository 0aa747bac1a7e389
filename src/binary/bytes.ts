/** The file is not what its first bytes promise; the message says how, as the end of "the file is not a library: ...". */
export class Malformed extends Error {}

const CUT_SHORT = 'it ends too early, as if it was copied or downloaded only in part';

/** Longer than any symbol or path that a linker writes. */
const MAX_STRING = 65_536;

/** Integers and strings of one file in its own byte order; a read beyond its end throws {@link Malformed}. */
export class Bytes {
  readonly length: number;
  private readonly view: DataView;

  constructor(
    private readonly buffer: Buffer,
    private readonly little: boolean,
  ) {
    this.length = buffer.length;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  /** Makes sure that `length` bytes are there at `offset`. */
  need(offset: number, length: number): void {
    if (!(offset + length <= this.length)) throw new Malformed(CUT_SHORT);
  }

  u8(offset: number): number {
    this.need(offset, 1);
    return this.view.getUint8(offset);
  }

  u16(offset: number): number {
    this.need(offset, 2);
    return this.view.getUint16(offset, this.little);
  }

  u32(offset: number): number {
    this.need(offset, 4);
    return this.view.getUint32(offset, this.little);
  }

  /** Inexact from 2^53 on, which no offset in a file reaches. */
  u64(offset: number): number {
    const low = this.u32(this.little ? offset : offset + 4);
    const high = this.u32(this.little ? offset + 4 : offset);
    return high * 0x1_0000_0000 + low;
  }

  /** An address or size: 8 bytes in a 64-bit file, else 4. */
  word(offset: number, is64: boolean): number {
    return is64 ? this.u64(offset) : this.u32(offset);
  }

  slice(offset: number, length: number): Buffer {
    this.need(offset, length);
    return this.buffer.subarray(offset, offset + length);
  }

  /** The NUL-terminated text at `offset`, which must end before `limit`. */
  string(offset: number, limit: number): string {
    const end = Math.min(limit, this.length);
    if (offset >= end) throw new Malformed(CUT_SHORT);
    const nul = this.buffer.indexOf(0, offset);
    if (nul === -1 || nul >= end) throw new Malformed(CUT_SHORT);
    if (nul - offset > MAX_STRING) throw new Malformed('a name in it is longer than any name can be');
    return this.buffer.toString('utf8', offset, nul);
  }

  /** Text in a field of fixed size, up to its first NUL. */
  field(offset: number, size: number): string {
    const text = this.slice(offset, size);
    const nul = text.indexOf(0);
    return text.toString('latin1', 0, nul === -1 ? size : nul);
  }
}
