/** Resolves when work that comes and goes has come to rest, or when someone's patience has ended. */
export class Drain {
  #waiting: (() => void)[] = [];

  /** Says that nothing is left; whoever waits goes on. */
  rested(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /**
   * Whether rest came in time.
   * @param limit milliseconds
   */
  wait(limit: number): Promise<boolean> {
    return inTime(new Promise<void>((resolve) => this.#waiting.push(resolve)), limit);
  }
}

/**
 * What work comes to, or undefined when it takes longer.
 * @param limit milliseconds
 */
export async function within<T>(work: Promise<T>, limit: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, limit));
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
