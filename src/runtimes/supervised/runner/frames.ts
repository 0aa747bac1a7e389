import { FRAME_HEADER, ProtocolError } from './protocol';

/** Bytes from a runner to frames. A frame that came whole is handed on where it lies; one that came in pieces is joined once. */
export class FrameReader {
  /** Bytes received so far. */
  received = 0;
  private readonly largest: number;
  private readonly onFrame: (buffer: Buffer, start: number, end: number) => void;
  /** A frame that is not complete: its bytes so far, in a buffer of its size once that is known. */
  private partial: Buffer | null = null;
  private filled = 0;

  /**
   * @param largest bytes that a frame may have
   * @param onFrame gets each frame; it must not keep the buffer unless the frame is large
   */
  constructor(largest: number, onFrame: (buffer: Buffer, start: number, end: number) => void) {
    this.largest = largest;
    this.onFrame = onFrame;
  }

  /** @throws ProtocolError when a frame's length is impossible, or from onFrame */
  push(chunk: Buffer): void {
    this.received += chunk.length;
    let at = this.partial === null ? 0 : this.complete(chunk);
    const end = chunk.length;
    while (end - at >= FRAME_HEADER) {
      const length = this.check(chunk.readUInt32LE(at));
      if (end - at < length) break;
      this.onFrame(chunk, at, at + length);
      at += length;
    }
    if (at < end) this.begin(chunk, at);
  }

  private check(length: number): number {
    if (length < FRAME_HEADER || length > this.largest) throw new ProtocolError(`a frame of ${length} bytes`);
    return length;
  }

  private begin(chunk: Buffer, at: number): void {
    const known = chunk.length - at >= FRAME_HEADER;
    this.partial = Buffer.allocUnsafe(known ? chunk.readUInt32LE(at) : FRAME_HEADER);
    this.filled = chunk.copy(this.partial, 0, at);
  }

  /** Adds to the incomplete frame, and hands it on when it is whole. Returns where the chunk's rest begins. */
  private complete(chunk: Buffer): number {
    let partial = this.partial!;
    let at = this.take(partial, chunk, 0);
    if (this.filled < partial.length) return at;
    const length = this.check(partial.readUInt32LE(0));
    if (length > partial.length) {
      const whole = Buffer.allocUnsafe(length);
      partial.copy(whole, 0, 0, this.filled);
      this.partial = partial = whole;
      at += this.take(partial, chunk, at);
      if (this.filled < length) return at;
    }
    this.partial = null;
    this.onFrame(partial, 0, length);
    return at;
  }

  private take(partial: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(partial, this.filled, at);
    this.filled += copied;
    return copied;
  }
}
