/** Which entries end when, by the second: adding and taking out costs the same however many there are. */
export class Expiry {
  readonly #keys = new Map<number, Set<string>>();
  /** The first second that was not looked at. */
  #next = 0;

  /** @param at in milliseconds */
  add(key: string, at: number): void {
    const second = secondOf(at);
    const keys = this.#keys.get(second);
    if (keys === undefined) this.#keys.set(second, new Set([key]));
    else keys.add(key);
    this.#next = Math.min(this.#next, second);
  }

  remove(key: string, at: number): void {
    const second = secondOf(at);
    const keys = this.#keys.get(second);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(second);
  }

  /** Takes out the keys whose time is over, each up to a second late. */
  take(now: number): string[] {
    const end = Math.floor(now / 1000);
    const taken: string[] = [];
    // Nearly always a second or two have passed; after a long time there are fewer sets than seconds.
    const due = end - this.#next < this.#keys.size ? range(this.#next, end) : [...this.#keys.keys()].filter((second) => second <= end);
    for (const second of due) {
      const keys = this.#keys.get(second);
      if (keys === undefined) continue;
      this.#keys.delete(second);
      for (const key of keys) taken.push(key);
    }
    this.#next = Math.max(this.#next, end + 1);
    return taken;
  }
}

/** The second at whose beginning that time is over. */
function secondOf(at: number): number {
  return Math.ceil(at / 1000);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, i) => first + i);
}
