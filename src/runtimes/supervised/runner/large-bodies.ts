import { MAX_REPLY } from '../../../plugin/reply';
import { ProtocolError } from './protocol';

/** A body that comes in parts. */
interface LargeBody {
  readonly length: number;
  /** null: there was no memory for it, or nobody waits for it; its bytes are dropped. */
  readonly bytes: Buffer | null;
  filled: number;
}

/** The large bodies that are on their way from one runner, each put together in a buffer of its size. */
export class LargeBodies {
  readonly #bodies = new Map<number, LargeBody>();
  /** The one whose PART is being read. */
  #current: LargeBody | undefined;

  /** Bodies that have begun. */
  get size(): number {
    return this.#bodies.size;
  }

  has(id: number): boolean {
    return this.#bodies.has(id);
  }

  /**
   * A part of a call's body begins.
   * @param length bytes of the whole body
   * @param isAwaited whether anybody waits for it
   * @throws ProtocolError
   */
  begin(id: number, length: number, isAwaited: boolean): void {
    let body = this.#bodies.get(id);
    if (body === undefined) {
      if (length > MAX_REPLY) throw new ProtocolError(`a body of ${length} bytes`);
      body = { length, bytes: isAwaited ? allocate(length) : null, filled: 0 };
      this.#bodies.set(id, body);
    } else if (body.length !== length) {
      throw new ProtocolError(`a body of ${body.length} bytes that became one of ${length}`);
    }
    this.#current = body;
  }

  /**
   * The next bytes of the part.
   * @throws ProtocolError
   */
  append(buffer: Buffer, start: number, end: number): void {
    const body = this.#current!;
    if (body.filled + end - start > body.length) throw new ProtocolError('more of a body than it has');
    if (body.bytes !== null) buffer.copy(body.bytes, body.filled, start, end);
    body.filled += end - start;
  }

  /**
   * The body of a call, which is complete now.
   * @param length as the REPLY says
   * @returns null where its bytes were dropped
   * @throws ProtocolError
   */
  take(id: number, length: number): Buffer | null {
    const body = this.#bodies.get(id);
    if (body === undefined || body.filled !== length || body.length !== length) throw new ProtocolError('a reply without its parts');
    this.#bodies.delete(id);
    return body.bytes;
  }
}

function allocate(length: number): Buffer | null {
  try {
    return Buffer.allocUnsafeSlow(length);
  } catch {
    return null;
  }
}
