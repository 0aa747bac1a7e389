import type { Mapping } from './mapping';

/** Views that are kept; more are made where bodies have many sizes, and are not kept. */
const MOST = 256;

/**
 * Buffers of places in a mapping, kept for the next body in the same place: V8 takes each new one for memory that was allocated, and
 * collects garbage for it.
 */
export class Views {
  /** By place and size. */
  readonly #kept = new Map<string, Buffer>();

  constructor(private readonly mapping: Mapping) {}

  /**
   * A view of so many bytes.
   * @param room bytes that are that place's
   * @throws RangeError when memory is out
   */
  of(offset: number, length: number, room: number): Buffer {
    const key = `${offset} ${room}`;
    let whole = this.#kept.get(key);
    if (whole === undefined) {
      const view = this.mapping.view(offset, room);
      if (view === null) throw new RangeError('there is no memory for a view');
      if (this.#kept.size >= MOST) this.clear();
      this.#kept.set(key, (whole = view));
    }
    return whole.subarray(0, length);
  }

  /** Nothing is read through them any more, but through those that are still in use: they are garbage then. */
  clear(): void {
    this.#kept.clear();
  }

  /** The same, where none is in use: the mapping need not wait for garbage to be collected. */
  detach(): void {
    for (const view of this.#kept.values()) this.mapping.detach(view);
    this.#kept.clear();
  }
}
