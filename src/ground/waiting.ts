/**
 * What work comes to, or undefined when it takes longer.
 * @param limit milliseconds; Infinity waits for ever, and holds up no end of the process
 */
export async function within<T>(work: Promise<T>, limit: number): Promise<T | undefined> {
  if (limit === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.min(Math.max(0, limit), LONGEST_TIMER));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Whether work succeeded in time.
 * @param limit milliseconds
 */
export async function inTime(work: Promise<unknown>, limit: number): Promise<boolean> {
  const succeeded = work.then(() => true, () => false);
  return (await within(succeeded, limit)) ?? false;
}

/** Milliseconds: a later timer of Node.js fires at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

interface Waiter {
  readonly condition: () => boolean;
  readonly done: () => void;
}

/** Waits for something to become true, looked at whenever something has changed. */
export class Conditions {
  #waiters: Waiter[] = [];

  /** To be called when something has changed. */
  changed(): void {
    if (this.#waiters.length === 0) return;
    for (const waiter of [...this.#waiters]) if (waiter.condition()) waiter.done();
  }

  /**
   * Whether the condition came to hold in time.
   * @param limit milliseconds; Infinity waits for ever, and holds up no end of the process
   */
  async until(condition: () => boolean, limit: number): Promise<boolean> {
    if (condition()) return true;
    let waiter: Waiter | undefined;
    const held = new Promise<boolean>((resolve) => {
      waiter = { condition, done: () => resolve(true) };
      this.#waiters.push(waiter);
    });
    const result = (await within(held, limit)) ?? false;
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    return result;
  }
}
