/** The file is not what its first bytes promise; the message says how, as the end of "the file is not a library: ...". */
export class Malformed extends Error {}

/** Reads what no loader goes by, so that what makes no sense in it is as good as not there. */
export function leniently<T>(read: Promise<T>, otherwise: T): Promise<T> {
  return read.catch((error: unknown) => {
    if (error instanceof Malformed) return otherwise;
    throw error;
  });
}

export const CUT_SHORT = 'it ends too early, as if it was copied or downloaded only in part';

/** Longer than any path that a linker writes. */
const MAX_STRING = 65_536;

/** Integers and strings of a part of a file in the file's byte order; a read beyond the part throws {@link Malformed}. */
export class Bytes {
  private readonly view: DataView;

  /** @param start where in the file the part begins; offsets count from the beginning of the file */
  constructor(
    readonly buffer: Buffer,
    private readonly little: boolean,
    private readonly start = 0,
  ) {
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  /** Where in the part the `length` bytes at `offset` are. */
  private at(offset: number, length: number): number {
    const at = offset - this.start;
    if (!(at >= 0 && at + length <= this.buffer.length)) throw new Malformed(CUT_SHORT);
    return at;
  }

  u8(offset: number): number {
    return this.view.getUint8(this.at(offset, 1));
  }

  u16(offset: number): number {
    return this.view.getUint16(this.at(offset, 2), this.little);
  }

  u32(offset: number): number {
    return this.view.getUint32(this.at(offset, 4), this.little);
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

  /** The NUL-terminated text at `offset`, which must end before `limit`. */
  string(offset: number, limit: number): string {
    const at = this.at(offset, 1);
    const end = Math.min(limit - this.start, this.buffer.length, at + MAX_STRING + 1);
    const length = this.buffer.subarray(at, end).indexOf(0);
    if (length !== -1) return this.buffer.toString('utf8', at, at + length);
    throw new Malformed(end - at > MAX_STRING ? 'a name in it is longer than any name can be' : CUT_SHORT);
  }

  /** Text in a field of fixed size, up to its first NUL. */
  field(offset: number, size: number): string {
    const at = this.at(offset, size);
    const nul = this.buffer.subarray(at, at + size).indexOf(0);
    return this.buffer.toString('latin1', at, at + (nul === -1 ? size : nul));
  }
}
