import { messageOf } from '../../ground/errors';
import type { Staff } from './staff';
import type { Worker } from './worker';

/** Whoever wants workers. */
export interface StarterOwner {
  /** Workers that there should be now. */
  readonly wanted: number;
  /** Some are missing, and are about to be started. */
  starts(): void;
  /** The system has no process for one, or no descriptors for its sockets. */
  lacks(reason: string, cause: unknown): void;
}

/** Starts the workers that are missing: at once, or after a while. */
export class Starter {
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param start one worker; throws where the system can't */
  constructor(
    private readonly owner: StarterOwner,
    private readonly staff: Staff,
    private readonly start: () => Worker,
  ) {}

  now(): void {
    if (this.#isStopped) return;
    this.#clear();
    const { owner, staff } = this;
    if (staff.workers.length < owner.wanted) owner.starts();
    while (staff.workers.length < owner.wanted) {
      try {
        staff.add(this.start());
      } catch (cause) {
        owner.lacks(messageOf(cause), cause);
        return;
      }
    }
  }

  /** Where that is to come anyway, it comes when it would. @param delay milliseconds */
  after(delay: number): void {
    if (!this.#isStopped) this.#timer ??= setTimeout(() => this.now(), delay).unref();
  }

  /** No more is started. */
  stop(): void {
    this.#isStopped = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
