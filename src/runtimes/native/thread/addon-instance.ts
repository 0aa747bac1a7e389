import { DlserveError } from '../../../ground/errors';
import { Conditions, inTime, within } from '../../../ground/waiting';
import type { Exchange } from '../../../plugin/exchange';
import type { Handlers } from '../../../plugin/handlers';
import { openLimit, type PluginSource } from '../../../plugin/runtime';
import { JobState, Outcome, type Addon, type Body, type Records } from '../addon';
import type { SharedInstance } from '../images';
import type { LoadedLibrary } from '../loaded-library';
import { internal, refuse } from '../refusals';
import { ThreadLog } from './thread-log';

/** How PluginInit, PluginStop or the end of the threads came back. */
interface Task {
  readonly outcome: number;
  readonly status: number;
  readonly body: Body;
}

/** One library of mode "thread", with the addon. */
export class AddonThreadInstance implements SharedInstance {
  capacity = 1;
  outstanding = 0;
  readonly processes = [];
  /** Resolves once the addon will say no more of this plugin. */
  readonly gone: Promise<void>;
  #isGone!: () => void;
  readonly #log: ThreadLog;
  /** By slot. */
  readonly #calls: (Exchange | undefined)[] = [];
  /** Slots of calls that have answered 504 and still hold a thread. */
  readonly #overdue = new Set<number>();
  readonly conditions = new Conditions();
  #task: ((task: Task) => void) | undefined;
  #closing: Promise<void> | undefined;
  #isAbandoned = false;

  /** @param flushSoon sees to it that what was submitted reaches the threads */
  constructor(
    private readonly source: PluginSource,
    private readonly library: LoadedLibrary,
    private readonly addon: Addon,
    private readonly lane: number,
    private readonly flushSoon: () => void,
  ) {
    this.gone = new Promise((resolve) => (this.#isGone = resolve));
    this.#log = new ThreadLog(source);
  }

  /**
   * Calls PluginInit on the thread that will be the first to run handlers, and learns how many threads there may be. After a
   * failure no thread is left, but for one that hangs in PluginInit.
   * @throws DlserveError INIT_FAILED
   */
  async init(): Promise<void> {
    try {
      this.addon.limitLane(this.lane, 1);
      if (this.library.address('PluginInit') !== null) {
        const config = JSON.stringify(this.source.settings.config);
        const limit = openLimit(this.source.settings);
        const init = await within(this.#run(() => this.addon.init(this.lane, config)), limit);
        if (init === undefined) {
          this.#abandon();
          throw this.library.initHangs(limit);
        }
        if (init.status !== 0) throw this.library.initFailed(init.status, init.body === null ? '' : String(init.body));
      }
      this.capacity = this.library.concurrency();
      this.addon.limitLane(this.lane, this.capacity);
    } catch (refusal) {
      if (!this.#isAbandoned) await this.#endThreads();
      throw refusal;
    }
  }

  underway(): Exchange[] {
    return this.#calls.filter((call) => call !== undefined);
  }

  get handlers(): Handlers {
    return this.source.handlers;
  }

  call(exchange: Exchange): void {
    if (this.#closing !== undefined) {
      exchange.fail(new DlserveError('STOPPING'));
      return;
    }
    const { handler, text, body, deadline } = exchange;
    const slot = this.addon.submit(this.lane, handler.index, text, body, deadline.at);
    if (slot === -1) {
      exchange.fail(internal(this.source, exchange, new Error('out of memory')));
      return;
    }
    this.#calls[slot] = exchange;
    this.outstanding++;
    this.flushSoon();
  }

  /** A record of the addon says that a job has ended. */
  ended(records: Records, index: number): void {
    const slot = records.slot(index);
    const call = this.#calls[slot];
    const outcome = records.outcome(index);
    const status = records.status(index);
    const body = records.takeBody(index);
    const headers = records.takeHeaders(index);
    if (call === undefined) {
      this.#task?.({ outcome, status, body });
      return;
    }
    this.#calls[slot] = undefined;
    if (this.#overdue.size > 0 && this.#overdue.delete(slot)) this.#log.cameBack(call);
    this.#finishOne();
    if (outcome === Outcome.REPLY) call.reply({ status, body: body as Exclude<Body, number>, headers });
    else refuse(this.source, call, outcome, body);
  }

  #finishOne(): void {
    this.outstanding--;
    this.conditions.changed();
  }

  withdraw(exchange: Exchange): boolean {
    return this.#withdraw(this.#calls.indexOf(exchange)) === JobState.WAITING;
  }

  expire(exchange: Exchange): void {
    const slot = this.#calls.indexOf(exchange);
    if (this.#withdraw(slot) !== JobState.BEGUN) return;
    this.#overdue.add(slot);
    this.#log.holds(exchange);
  }

  /** @returns the state that the job was found in; one that is not here, or not yet heard of, has ended */
  #withdraw(slot: number): number {
    if (slot === -1) return JobState.ENDED;
    const state = this.addon.withdraw(this.lane, slot);
    if (state === JobState.WAITING) {
      this.#calls[slot] = undefined;
      this.#finishOne();
    }
    return state;
  }

  close(limit: number): Promise<void> {
    this.#closing ??= this.#close(performance.now() + limit);
    return this.#closing;
  }

  async #close(end: number): Promise<void> {
    const left = (): number => end - performance.now();
    if (!(await this.conditions.until(() => this.outstanding === 0, left()))) {
      this.giveUp(this.underway());
      this.#calls.length = 0;
      this.#abandon();
    } else if (!(await this.#stop(left()))) {
      this.#log.stopHangs();
      this.#abandon();
    } else if (await inTime(this.#endThreads(), left())) {
      this.library.close();
    } else {
      this.#log.stopHangs();
      this.library.keep();
    }
  }

  #stop(limit: number): Promise<boolean> {
    if (this.library.address('PluginStop') === null) return Promise.resolve(true);
    return inTime(this.#run(() => this.addon.stop(this.lane)), limit);
  }

  /** Submits one of the jobs that are no calls; they never overlap. */
  async #run(submit: () => number): Promise<Task> {
    const task = new Promise<Task>((resolve) => (this.#task = resolve));
    if (submit() === -1) throw new DlserveError('INTERNAL', {}, { cause: new Error('out of memory') });
    this.flushSoon();
    const ended = await task;
    if (ended.outcome !== Outcome.REPLY) throw new DlserveError('INTERNAL', {}, { cause: new Error('no thread could be started') });
    return ended;
  }

  /** Resolves when the last of the threads has left the library. */
  async #endThreads(): Promise<void> {
    const ended = new Promise<Task>((resolve) => (this.#task = resolve));
    if (this.addon.closeLane(this.lane)) {
      await ended;
      this.addon.dropLane(this.lane);
    }
    this.#isGone();
  }

  giveUp(exchanges: readonly Exchange[]): void {
    const running = exchanges.filter((exchange) => {
      const slot = this.#calls.indexOf(exchange);
      if (this.#withdraw(slot) !== JobState.BEGUN) return false;
      this.#overdue.add(slot);
      return true;
    });
    this.#log.givenUp(running);
    for (const exchange of exchanges) exchange.fail(new DlserveError('STOPPING'));
  }

  #abandon(): void {
    this.#isAbandoned = true;
    this.addon.abandonLane(this.lane);
    this.#isGone();
    this.library.keep();
  }
}
