interface Waiter {
  readonly condition: () => boolean;
  readonly done: () => void;
}

/** Waits for something to become true, looked at whenever something has changed. */
export class Conditions {
  private waiters: Waiter[] = [];

  /** To be called when something has changed. */
  changed(): void {
    for (const waiter of [...this.waiters]) if (waiter.condition()) waiter.done();
  }

  /**
   * Resolves with true when the condition holds.
   * @param end in milliseconds of performance.now(), when it resolves with false
   */
  until(condition: () => boolean, end: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const left = Math.min(Math.max(0, end - performance.now()), 2 ** 31 - 1);
      const timer = setTimeout(() => finish(false), left);
      const waiter = { condition, done: () => finish(true) };
      const finish = (held: boolean): void => {
        clearTimeout(timer);
        this.waiters = this.waiters.filter((other) => other !== waiter);
        resolve(held);
      };
      this.waiters.push(waiter);
    });
  }
}
