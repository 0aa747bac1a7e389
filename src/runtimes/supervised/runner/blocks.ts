/** Which blocks of a piece of memory are in use. */
export class Blocks {
  /** Those in use. */
  used = 0;
  readonly #taken: Uint8Array;

  /** @param count how many there are */
  constructor(count: number) {
    this.#taken = new Uint8Array(count);
  }

  /**
   * Takes so many in a row, the lowest that are free, so that the same memory is used over and over.
   * @returns the first; -1 where there is no room
   */
  take(count: number): number {
    for (let first = this.#taken.indexOf(0); first !== -1; ) {
      const next = this.#firstTaken(first, first + count);
      if (next === -1) return this.claim(first, count) ? first : -1;
      first = this.#taken.indexOf(0, next);
    }
    return -1;
  }

  #firstTaken(from: number, to: number): number {
    for (let block = from; block < to; block++) if (this.#taken[block] === 1) return block;
    return -1;
  }

  /** Takes these. @returns whether they were there, and free */
  claim(first: number, count: number): boolean {
    if (!(Number.isInteger(first) && first >= 0 && first + count <= this.#taken.length)) return false;
    if (this.#firstTaken(first, first + count) !== -1) return false;
    this.#taken.fill(1, first, first + count);
    this.used += count;
    return true;
  }

  /** They are free again. */
  give(first: number, count: number): void {
    this.#taken.fill(0, first, first + count);
    this.used -= count;
  }
}
