/** What a wheel holds. The fields are the wheel's own. */
export interface Timed {
  /** In milliseconds of performance.now(). */
  readonly deadline: number;
  slot: number;
  next: Timed | null;
  previous: Timed | null;
}

/** Milliseconds between two looks at the wheel: a deadline fires at most this late, and never early. */
const TICK = 10;
const SLOTS = 1024;

/**
 * The deadlines of all calls under way: a hashed timing wheel (Varghese and Lauck, 1987), so that a call costs two list
 * operations and no timer of its own. Its one timer runs while there is something to wait for.
 */
export class Deadlines<T extends Timed> {
  readonly #slots: (Timed | null)[] = new Array<Timed | null>(SLOTS).fill(null);
  readonly #onPassed: (entry: T) => void;
  #tick = 0;
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param onPassed called once for each entry whose deadline has passed; the entry is out of the wheel by then */
  constructor(onPassed: (entry: T) => void) {
    this.#onPassed = onPassed;
  }

  add(entry: T): void {
    if (this.#timer === undefined) {
      this.#tick = Math.floor(performance.now() / TICK);
      this.#timer = setTimeout(this.#advance, TICK);
    }
    // The tick after the deadline; never one that this revolution has already passed.
    const tick = Math.max(Math.ceil(entry.deadline / TICK), this.#tick + 1);
    const slot = tick % SLOTS;
    const head = this.#slots[slot] ?? null;
    entry.slot = slot;
    entry.previous = null;
    entry.next = head;
    if (head !== null) head.previous = entry;
    this.#slots[slot] = entry;
    this.#size++;
  }

  remove(entry: T): void {
    if (entry.slot === -1) return;
    if (entry.previous === null) this.#slots[entry.slot] = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next !== null) entry.next.previous = entry.previous;
    entry.slot = -1;
    entry.next = null;
    entry.previous = null;
    this.#size--;
  }

  readonly #advance = (): void => {
    const now = performance.now();
    const until = Math.floor(now / TICK);
    // After a long pause one whole revolution has looked at every slot.
    const first = Math.max(this.#tick + 1, until - SLOTS + 1);
    this.#tick = until;
    try {
      for (let tick = first; tick <= until; tick++) this.#sweep(tick % SLOTS, now);
    } finally {
      this.#timer = this.#size > 0 ? setTimeout(this.#advance, TICK) : undefined;
    }
  };

  #sweep(slot: number, now: number): void {
    const passed: Timed[] = [];
    for (let entry = this.#slots[slot] ?? null; entry !== null; entry = entry.next) {
      if (entry.deadline <= now) passed.push(entry);
    }
    for (const entry of passed) {
      // The end of one may have ended others.
      if (entry.slot === -1) continue;
      this.remove(entry as T);
      this.#onPassed(entry as T);
    }
  }
}
