import { DlserveError } from '../ground/errors';
import type { BodySource } from '../plugin/body-source';

/** Of a body: text is sent as UTF-8. */
export type CallPart = string | Uint8Array;

export function isPart(value: unknown): value is CallPart {
  return typeof value === 'string' || ArrayBuffer.isView(value);
}

/** Streams of Node.js and of the Web are so, and what async generators give. */
export function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] === 'function';
}

export function bytesOf(part: CallPart): Buffer {
  return typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.byteLength);
}

/** A body that a program gives part by part. */
export class GivenBody implements BodySource {
  readonly #parts: AsyncIterator<unknown>;
  #isOver = false;
  /** Hears of what goes wrong in it: the call can't go on as it was meant. */
  onFailed: (error: Error) => void = () => undefined;

  constructor(parts: AsyncIterable<unknown>) {
    this.#parts = parts[Symbol.asyncIterator]();
  }

  async next(): Promise<Buffer | null> {
    try {
      return await this.#next();
    } catch (error) {
      this.#isOver = true;
      this.onFailed(error as Error);
      throw error;
    }
  }

  async #next(): Promise<Buffer | null> {
    while (!this.#isOver) {
      const next = await this.#parts.next();
      const value: unknown = next.value;
      if (next.done === true) {
        this.#isOver = true;
      } else if (!isPart(value)) {
        this.close();
        throw new DlserveError('BAD_CALL', { call: 'host.call', reason: `a part of body must be text or bytes, not ${typeof value}` });
      } else if ((typeof value === 'string' ? value.length : value.byteLength) > 0) {
        return bytesOf(value);
      }
    }
    return null;
  }

  /**
   * All of it, for a handler that takes it as a whole.
   * @param limit bytes
   * @throws DlserveError BODY_TOO_LARGE, or whatever goes wrong in it
   */
  async collect(limit: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    for (let part = await this.next(); part !== null; part = await this.next()) {
      length += part.length;
      if (length > limit) {
        this.close();
        throw new DlserveError('BODY_TOO_LARGE', { limit });
      }
      parts.push(part);
    }
    return Buffer.concat(parts, length);
  }

  /** Nobody takes more of it: whoever makes it is told. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // What it says to that concerns nobody any more.
    void Promise.resolve(this.#parts.return?.()).catch(() => undefined);
  }
}
