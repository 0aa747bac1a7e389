import type { Health } from './health';
import type { Worker } from './worker';

/** Milliseconds after which a worker that was opened to try how the plugin is, and lives, shows that it is well. */
const SETTLED = 1000;

/** Whoever can bring a plugin back. */
export interface Resting {
  /** Starts a worker. */
  tryAgain(): void;
  /** The plugin is well. */
  recovered(): void;
}

/** A rest of a plugin ends by itself, also where nobody asks: a balancer sends nothing to a server that is not ready. */
export class Rest {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly health: Health,
    private readonly plugin: Resting,
  ) {}

  /** The plugin rests. */
  begin(): void {
    this.#after(this.health.restLeft + 1, () => {
      if (this.health.beginTrial()) this.plugin.tryAgain();
    });
  }

  /** A worker is open. Where a call tries it, that decides. */
  opened(worker: Worker): void {
    if (this.health.isServing) return;
    this.#after(SETTLED, () => {
      if (worker.load > 0) this.opened(worker);
      else if (worker.state === 'ready' && this.health.replied()) this.plugin.recovered();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #after(delay: number, act: () => void): void {
    this.stop();
    this.#timer = setTimeout(act, delay).unref();
  }
}
