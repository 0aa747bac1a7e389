import { makeRoom } from '../runtimes/registry';

/** The sizes of rooms, in bytes: powers of two between these. */
const SMALLEST = 65536;
const LARGEST = 16 * 1024 * 1024;

/** Bytes of all rooms, in use or not; what is larger, or comes when they are all in use, has memory of its own. */
const MOST = 128 * 1024 * 1024;

/**
 * Memory for large request bodies, used over and over: what V8 allocates for each counts towards its next collection of garbage, and the
 * system clears every page of it.
 */
class BodyRooms {
  readonly #free = new Map<number, Buffer[]>();
  #bytes = 0;

  /** @returns room for so many bytes, or for more; null where there is none */
  take(length: number): Buffer | null {
    if (length > LARGEST) return null;
    const size = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(length)));
    const kept = this.#free.get(size)?.pop();
    if (kept !== undefined) return kept;
    if (this.#bytes + size > MOST) this.clear();
    if (this.#bytes + size > MOST) return null;
    try {
      const room = makeRoom(size);
      this.#bytes += size;
      return room;
    } catch {
      return null;
    }
  }

  /** Nobody will read what is in it any more. */
  give(room: Buffer): void {
    const free = this.#free.get(room.length);
    if (free === undefined) this.#free.set(room.length, [room]);
    else free.push(room);
  }

  /** Somebody may still read what is in it: it is used no more, and is garbage when nobody does. */
  leave(room: Buffer): void {
    this.#bytes -= room.length;
  }

  /** Lets go of those that are not in use. */
  clear(): void {
    for (const [size, rooms] of this.#free) this.#bytes -= size * rooms.length;
    this.#free.clear();
  }
}

/** Those of this process. */
export const BODY_ROOMS = new BodyRooms();
