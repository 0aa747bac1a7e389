import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Bytes, CUT_SHORT, Malformed } from './bytes';

/** Bytes that are read at once when a file is opened: the whole of a small library, and of a large one its headers and tables as a rule. */
const HEAD = 128 * 1024;

/** Bytes. No table of a library that people have is as large; more is not read into memory at once. */
const MAX_PART = 256 * 1024 * 1024;

/** The bytes of a library, or of a slice of one; of a file, only what is asked for is read. */
export class Source {
  private constructor(
    private readonly buffer: Buffer,
    /** Bytes. */
    readonly length: number,
    private readonly file?: FileHandle,
    private readonly start = 0,
  ) {}

  /** Bytes that are in memory already. */
  static of(bytes: Buffer): Source {
    return new Source(bytes, bytes.length);
  }

  /**
   * Opens a file; {@link close} it in the end. What is written to it later on is not seen as a part of it.
   * @throws Malformed for what is no regular file, and what the system says where it can't be opened
   */
  static async open(path: string): Promise<Source> {
    // A pipe that nobody writes to would otherwise keep open() waiting.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (status.isDirectory()) throw new Malformed('it is a folder');
      if (!status.isFile()) throw new Malformed('it is no regular file');
      return new Source(await readAt(file, 0, Math.min(HEAD, status.size)), status.size, file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Its first bytes, at most 128 KiB of them. */
  get head(): Buffer {
    return this.buffer.subarray(0, Math.min(HEAD, this.length));
  }

  /**
   * Makes sure that `length` bytes are there at `offset`.
   * @throws Malformed
   */
  need(offset: number, length: number): void {
    if (!(offset + length <= this.length)) throw new Malformed(CUT_SHORT);
  }

  /** @throws Malformed where they are not all there, or more than a table of a library can have */
  async part(offset: number, length: number): Promise<Buffer> {
    this.need(offset, length);
    if (length > MAX_PART) throw new Malformed(`a table in it has ${length} bytes, which is more than that of any library`);
    if (offset + length <= this.buffer.length) return this.buffer.subarray(offset, offset + length);
    return readAt(this.file!, this.start + offset, length);
  }

  /** The same to read integers from, which are found there by their offset in the whole. */
  async bytes(offset: number, length: number, little: boolean): Promise<Bytes> {
    return new Bytes(await this.part(offset, length), little, offset);
  }

  /** A part that is a library of its own. @throws Malformed where it reaches beyond the end */
  async slice(offset: number, length: number): Promise<Source> {
    if (this.file === undefined) return Source.of(await this.part(offset, length));
    this.need(offset, length);
    return new Source(await this.part(offset, Math.min(HEAD, length)), length, this.file, this.start + offset);
  }

  async close(): Promise<void> {
    await this.file?.close();
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw new Malformed('it became shorter while it was read: something is writing to it');
    done += bytesRead;
  }
  return buffer;
}
