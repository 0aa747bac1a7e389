import { surface } from '../ground/surface';
import { LONGEST_TIMER } from '../ground/waiting';

/** Something that wants to be looked at, at a certain time. */
export interface Timed {
  /** When, in milliseconds of performance.now(). Does not change while it is in a list. */
  readonly due: number;
  /** Where it is in the list; -1 while it is in none. The list's own. */
  place: number;
  /** The time has come; it is in the list no more. */
  look(): void;
}

/**
 * The deadlines of all calls under way. A timer for each of them costs a tenth of a request: here they have one, for the earliest,
 * which need not be there any more when it fires; then all are looked through, once in a plugin's timeout as a rule. It does not keep
 * the process alive, as calls under way do that themselves.
 */
export class Deadlines {
  readonly #all: Timed[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When it fires, in milliseconds of performance.now(). */
  #at = Infinity;

  add(timed: Timed): void {
    timed.place = this.#all.push(timed) - 1;
    if (timed.due < this.#at) this.#wakeAt(timed.due);
  }

  /** Does nothing where it is in no list. Its time may change then. */
  remove(timed: Timed): void {
    if (timed.place === -1) return;
    const last = this.#all.pop()!;
    if (last !== timed) {
      this.#all[timed.place] = last;
      last.place = timed.place;
    }
    timed.place = -1;
  }

  #wakeAt(at: number): void {
    clearTimeout(this.#timer);
    this.#at = at;
    const delay = Math.min(Math.max(Math.ceil(at - performance.now()), 1), LONGEST_TIMER);
    this.#timer = setTimeout(() => this.#look(), delay).unref();
  }

  #look(): void {
    const now = performance.now();
    const passed = this.#all.filter(({ due }) => due <= now);
    let next = Infinity;
    for (const { due } of this.#all) if (due > now && due < next) next = due;
    this.#at = Infinity;
    // Set before anything is told, which may add some.
    if (next < Infinity) this.#wakeAt(next);
    for (const timed of passed) {
      // The end of one may have ended others.
      if (timed.place === -1) continue;
      this.remove(timed);
      try {
        timed.look();
      } catch (error) {
        surface(error);
      }
    }
  }
}
