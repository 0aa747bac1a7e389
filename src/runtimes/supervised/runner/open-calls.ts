/** More than a runner is given at once. */
const RECENT = 2048;

/**
 * Calls by their ids, which count up. A Map alone would do, but for the garbage collector: one that is filled and emptied without end
 * renews its table all the time, each table leads to the next, and from the first that has become old on none of them, nor any
 * call that stood in one, is young garbage any more.
 */
export class OpenCalls<Call> {
  size = 0;
  readonly #recent = new Array<Call | undefined>(RECENT).fill(undefined);
  /** The id of each of the recent. */
  readonly #ids = new Float64Array(RECENT);
  /** Those whose place a later one has got. */
  readonly #older = new Map<number, Call>();

  add(id: number, call: Call): void {
    const place = id % RECENT;
    const before = this.#recent[place];
    if (before !== undefined) this.#older.set(this.#ids[place]!, before);
    this.#recent[place] = call;
    this.#ids[place] = id;
    this.size++;
  }

  get(id: number): Call | undefined {
    const place = id % RECENT;
    return this.#ids[place] === id ? this.#recent[place] : this.#older.get(id);
  }

  /** A call's id, without any garbage; 0 where it is not here. */
  idOf(call: Call): number {
    const place = this.#recent.indexOf(call);
    if (place !== -1) return this.#ids[place]!;
    for (const [id, other] of this.#older) if (other === call) return id;
    return 0;
  }

  delete(id: number): void {
    const place = id % RECENT;
    if (this.#ids[place] !== id) {
      if (this.#older.delete(id)) this.size--;
    } else if (this.#recent[place] !== undefined) {
      this.#recent[place] = undefined;
      this.size--;
    }
  }

  /** All of them with their ids, in order. */
  inOrder(): [id: number, call: Call][] {
    const all = [...this.#older];
    for (let place = 0; place < RECENT; place++) {
      const call = this.#recent[place];
      if (call !== undefined) all.push([this.#ids[place]!, call]);
    }
    return all.sort(([a], [b]) => a - b);
  }
}
