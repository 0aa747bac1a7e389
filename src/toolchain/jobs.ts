/** How long tasks of a kind take: seconds at the most, or a minute. */
export type Pace = 'quick' | 'slow';

/** Lets so many tasks run at once; the others wait in order. Slow ones leave one place at least to the quick. */
export class Jobs {
  readonly #running = { quick: 0, slow: 0 };
  readonly #waiting: Readonly<Record<Pace, (() => void)[]>> = { quick: [], slow: [] };

  /** @param places tasks that run at once; where there is one only, a quick task runs beside a slow one all the same */
  constructor(private readonly places: number) {}

  async run<T>(task: () => Promise<T>, pace: Pace = 'quick'): Promise<T> {
    if (this.#admits(pace)) this.#running[pace]++;
    else await new Promise<void>((resolve) => this.#waiting[pace].push(resolve));
    try {
      return await task();
    } finally {
      this.#running[pace]--;
      this.#admitNext('quick');
      this.#admitNext('slow');
    }
  }

  #admits(pace: Pace): boolean {
    const { quick, slow } = this.#running;
    const isRoom = quick + slow < this.places;
    return pace === 'quick' ? isRoom || quick === 0 : isRoom && slow < Math.max(this.places - 1, 1);
  }

  #admitNext(pace: Pace): void {
    while (this.#waiting[pace].length > 0 && this.#admits(pace)) {
      this.#running[pace]++;
      this.#waiting[pace].shift()!();
    }
  }
}

/** The tasks of one build, and the time in which any of them is at work: what they wait for the others does not count. */
export class Work {
  #running = 0;
  #since = 0;
  #before = 0;
  #onBegin: (() => void) | undefined;

  /** @param onBegin called once, when the first of them is let in */
  constructor(
    private readonly jobs: Jobs,
    private readonly pace: Pace = 'quick',
    onBegin?: () => void,
  ) {
    this.#onBegin = onBegin;
  }

  /** Milliseconds so far. */
  get ms(): number {
    return this.#before + (this.#running > 0 ? performance.now() - this.#since : 0);
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    return this.jobs.run(async () => {
      if (this.#running++ === 0) this.#since = performance.now();
      this.#onBegin?.();
      this.#onBegin = undefined;
      try {
        return await task();
      } finally {
        if (--this.#running === 0) this.#before += performance.now() - this.#since;
      }
    }, this.pace);
  }
}
