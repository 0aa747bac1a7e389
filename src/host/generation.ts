import { Conditions } from '../ground/waiting';
import type { Counter, Exchange } from '../plugin/exchange';
import type { Handlers } from '../plugin/handlers';
import type { Instance, Mode } from '../plugin/runtime';
import type { PrivateCopy } from './private-copy';
import { Streams } from './streams';

/** One opened generation of a plugin, and the calls that it has. */
export class Generation implements Counter {
  /** Calls that are on their way. */
  #underway = 0;
  readonly #streams = new Streams();
  readonly #conditions = new Conditions();

  /** @param number the first one that a host opens of a plugin is 1 */
  constructor(
    readonly number: number,
    readonly mode: Mode,
    readonly copy: PrivateCopy,
    readonly instance: Instance,
  ) {}

  get handlers(): Handlers {
    return this.instance.handlers;
  }

  call(exchange: Exchange): void {
    this.#underway++;
    exchange.enter(this.instance, this);
  }

  /** A call has come to its end. @internal */
  left(exchange: Exchange): void {
    this.#streams.delete(exchange);
    if (--this.#underway === 0) this.#conditions.changed();
  }

  /** @internal */
  lasts(exchange: Exchange): void {
    this.#streams.add(exchange);
  }

  /** Gives the calls that have not begun to another generation, of the same file. */
  moveWaitingTo(next: Generation): void {
    for (const exchange of this.instance.pending()) {
      if (!this.instance.withdraw(exchange)) continue;
      this.left(exchange);
      next.call(exchange);
    }
  }

  /**
   * Resolves when no call is under way. Each ends by its own limits, also in the queue; those that come in parts, and may have none, by
   * these.
   * @param time milliseconds that they go on
   * @param grace milliseconds in which their handlers may end them then
   */
  async idle(time: number, grace: number): Promise<void> {
    this.#streams.bound(time, grace);
    await this.#conditions.until(() => this.#underway === 0, Infinity);
  }

  /** What comes in parts goes on for half of a limit, and has the other half to end. @param limit milliseconds */
  endStreams(limit: number): void {
    this.#streams.bound(limit / 2, limit / 2);
  }

  /**
   * Finishes the calls under way and lets go of the plugin.
   * @param limit milliseconds
   */
  async close(limit: number): Promise<void> {
    const end = performance.now() + limit;
    this.endStreams(limit);
    await this.#conditions.until(() => this.#underway === 0, limit);
    await this.instance.close(Math.max(end - performance.now(), 0));
  }

  /**
   * Lets go of it and of what it runs from, for it is not taken.
   * @param limit milliseconds
   */
  async discard(limit: number): Promise<void> {
    await this.close(limit);
    await this.copy.remove();
  }
}
