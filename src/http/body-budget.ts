import { DlserveError } from '../ground/errors';
import { relieveMemory } from '../runtimes/registry';
import { BODY_ROOMS } from './body-rooms';

/** Memory that was taken and is worth to be given back to the system when it is not needed any more, in bytes. */
const WORTH_RELIEF = 16 * 1024 * 1024;
/** Milliseconds of rest before that, and between the collection of garbage and the return of its memory. */
const REST = 1000;

/** The bytes of all bodies that wait in this process: those of requests that are read or called, and replies that clients have not read. */
export class Budget {
  #used = 0;
  /** Bytes that were taken since memory was given back. */
  #passed = 0;
  #relief: NodeJS.Timeout | undefined;

  /** @param limit bytes */
  constructor(private readonly limit: number) {}

  /**
   * @param own bytes that whoever asks has taken already
   * @returns whether there is room for so many bytes more. Who is alone has all the room they need.
   */
  take(bytes: number, own = 0): boolean {
    if (this.#used > own && this.#used + bytes > this.limit) return false;
    this.count(bytes);
    return true;
  }

  /** Takes what is there in any case, and bounded by others: who asks for more finds that much less. */
  count(bytes: number): void {
    this.#used += bytes;
    this.#passed += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    if (this.#used > 0 || this.#passed < WORTH_RELIEF || this.#relief !== undefined) return;
    this.#relief = setTimeout(() => this.#relieve(), REST).unref();
  }

  #relieve(): void {
    this.#relief = undefined;
    if (this.#used > 0) return;
    this.#passed = 0;
    BODY_ROOMS.clear();
    relieveMemory();
    // What was collected by then is returned then.
    setTimeout(relieveMemory, REST).unref();
  }

  /** The error of what has no room. */
  exceeded(): DlserveError {
    return new DlserveError('SERVER_FULL', { limit: this.limit }, { headers: { 'Retry-After': '1' } });
  }
}
