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
 * Whether work succeeded in time.
 * @param limit milliseconds
 */
export async function inTime(work: Promise<unknown>, limit: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, limit), false);
  });
  try {
    return await Promise.race([work.then(() => true, () => false), late]);
  } finally {
    clearTimeout(timer);
  }
}
