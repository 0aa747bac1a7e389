import { FRAME_HEADER, MAX_PART, Message, PART_HEADER, ProtocolError, RING_SIZE } from './protocol';

/** Whoever gets the frames of a runner. */
export interface FrameOwner {
  /** A whole frame. The buffer is that of many, unless the frame is large. */
  frame(buffer: Buffer, start: number, end: number): void;
  /** A PART begins, with its header; its bytes follow. */
  part(buffer: Buffer, start: number): void;
  /** The next bytes of the PART. */
  bytes(buffer: Buffer, start: number, end: number): void;
}

/**
 * Bytes from a runner to frames. A frame that came whole is handed on where it lies; one that came in pieces is joined once; the
 * bytes of a PART are handed on as they come.
 */
export class FrameReader {
  /** Bytes received so far. */
  received = 0;
  /** Of these, the bytes of whole frames that went through the ring, which PARTs don't. */
  fromRing = 0;
  private readonly owner: FrameOwner;
  /** The beginning of a frame: as much as must stand together before more can be said. */
  private partial: Buffer | null = null;
  private filled = 0;
  /** Bytes of a PART that are still to come. */
  private left = 0;

  constructor(owner: FrameOwner) {
    this.owner = owner;
  }

  /** @throws ProtocolError when a frame's length is impossible, or from the owner; RangeError when memory is out */
  push(chunk: Buffer): void {
    this.received += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      if (this.left > 0) at = this.passOn(chunk, at);
      else if (this.partial !== null) at = this.complete(this.partial, chunk, at);
      else at = this.read(chunk, at);
    }
  }

  /** There will be no end of a frame that has begun. */
  forgetPartial(): void {
    this.partial = null;
    this.left = 0;
  }

  private passOn(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.left);
    this.left -= end - at;
    this.owner.bytes(chunk, at, end);
    return end;
  }

  private read(chunk: Buffer, at: number): number {
    const want = wanted(chunk, at, chunk.length - at);
    if (chunk.length - at >= want) return this.take(chunk, at, want);
    this.partial = Buffer.allocUnsafe(want);
    this.filled = chunk.copy(this.partial, 0, at);
    return chunk.length;
  }

  private complete(partial: Buffer, chunk: Buffer, from: number): number {
    const copied = chunk.copy(partial, this.filled, from);
    this.filled += copied;
    if (this.filled < partial.length) return chunk.length;
    const want = wanted(partial, 0, this.filled);
    if (want > this.filled) {
      this.partial = Buffer.allocUnsafe(want);
      partial.copy(this.partial);
    } else {
      this.partial = null;
      this.take(partial, 0, want);
    }
    return from + copied;
  }

  /** A frame, or the header of a PART, stands together. */
  private take(buffer: Buffer, start: number, length: number): number {
    if (buffer[start + 4] === Message.PART) {
      this.left = buffer.readUInt32LE(start) - PART_HEADER;
      this.owner.part(buffer, start);
    } else {
      this.fromRing += length;
      this.owner.frame(buffer, start, start + length);
    }
    return start + length;
  }
}

/** Bytes that must stand together before anything can be done, of a frame of which so many are there. */
function wanted(buffer: Buffer, at: number, have: number): number {
  if (have < FRAME_HEADER) return FRAME_HEADER;
  const length = buffer.readUInt32LE(at);
  if (buffer[at + 4] === Message.PART) {
    if (length > PART_HEADER && length <= PART_HEADER + MAX_PART) return PART_HEADER;
  } else if (length >= FRAME_HEADER && length <= RING_SIZE) {
    return length;
  }
  throw new ProtocolError(`a frame of ${length} bytes`);
}
