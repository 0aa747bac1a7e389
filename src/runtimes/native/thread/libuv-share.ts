import type { KoffiFunction } from '../koffi/koffi';
import { exitWithoutWaiting } from '../exit';

/** Something with calls that wait for a thread. */
export interface Waiting {
  /** Starts one call if there is one that may start. */
  startOne(): boolean;
}

/**
 * The threads of libuv's pool that plugins may take, shared fairly. Node's own file and DNS work runs on the same pool, so
 * one thread is left to it, whatever handlers do.
 */
export class LibuvShare {
  /** Threads for all plugins together. */
  readonly threads: number;
  /** Threads for one plugin: the last one is left to others. */
  readonly mostForOne: number;
  #running = 0;
  #turns: Waiting[] = [];

  /** @param poolSize threads of libuv's pool, which the environment fixed when the process began */
  constructor(poolSize = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 4) {
    this.threads = Math.max(1, poolSize - 1);
    this.mostForOne = Math.max(1, this.threads - 1);
  }

  /** Plugins take turns, one call each. */
  join(plugin: Waiting): void {
    this.#turns.push(plugin);
  }

  leave(plugin: Waiting): void {
    this.#turns = this.#turns.filter((other) => other !== plugin);
  }

  /** Starts what can be started. */
  pump(): void {
    for (let passed = 0; passed < this.#turns.length && this.#running < this.threads; ) {
      const next = this.#turns.shift()!;
      this.#turns.push(next);
      passed = next.startOne() ? 0 : passed + 1;
    }
  }

  /**
   * Runs a function on the pool. Its arguments stay in memory until it is done.
   * @param done gets koffi's failure or the result, and returns before other calls are started in its place
   */
  run(f: KoffiFunction, args: readonly unknown[], done: (error: Error | null, result: unknown) => void): void {
    leaveWithoutThem();
    this.#running++;
    held.add(args);
    const end = (error: Error | null, result: unknown): void => {
      held.delete(args);
      this.#running--;
      try {
        done(error, result);
      } finally {
        this.pump();
      }
    };
    try {
      f.async(...args, end);
    } catch (error) {
      // koffi takes no more, because of calls that others make through it.
      end(error as Error, null);
    }
  }

  /** The same, as a promise, and whether or not a thread of the share is free. */
  runNow(f: KoffiFunction, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.run(f, args, (error, result) => (error === null ? resolve(result) : reject(error)));
    });
  }
}

/** The arguments of what runs: nothing else refers to memory that a handler reads. */
const held = new Set<readonly unknown[]>();
let isRegistered = false;

function leaveWithoutThem(): void {
  if (isRegistered) return;
  isRegistered = true;
  exitWithoutWaiting(() => held.size > 0);
}
