/** Lets so many tasks run at once; the others wait in order. */
export class Jobs {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}

/** The tasks of one build, and the time in which any of them is at work: what they wait for the others does not count. */
export class Work {
  private running = 0;
  private since = 0;
  private before = 0;

  constructor(private readonly jobs: Jobs) {}

  /** Milliseconds so far. */
  get ms(): number {
    return this.before + (this.running > 0 ? performance.now() - this.since : 0);
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    return this.jobs.run(async () => {
      if (this.running++ === 0) this.since = performance.now();
      try {
        return await task();
      } finally {
        if (--this.running === 0) this.before += performance.now() - this.since;
      }
    });
  }
}
