/** Milliseconds between two looks at workers that have calls. */
const WATCH = 250;

/** Looks at the workers at regular times while there are calls, and keeps this process alive for them. */
export class Watch {
  #timer: NodeJS.Timeout | undefined;

  /** @param look returns whether there are calls */
  constructor(private readonly look: () => boolean) {}

  begin(): void {
    this.#timer ??= setInterval(() => this.look() || this.stop(), WATCH);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
