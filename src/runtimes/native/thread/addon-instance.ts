import { DlserveError } from '../../../ground/errors';
import { Conditions, inTime } from '../../../ground/waiting';
import type { Exchange } from '../../../plugin/exchange';
import type { Handlers } from '../../../plugin/handlers';
import { openLimit } from '../../../plugin/runtime';
import { JobState, Outcome, type Addon, type Body, type Records } from '../addon';
import type { OpenImage, SharedInstance } from '../images';
import type { NativeSource } from '../keys';
import { StillRuns } from '../loader';
import { notTaken, refuse } from '../refusals';
import { CallStream, type CallEvent } from './call-stream';
import { LaneTasks } from './lane-tasks';
import { ThreadLog } from './thread-log';

/** Milliseconds that a handler gets for its end which has waited for the host or its client when its time was over. */
const TO_GIVE_WAY = 1000;

/** One library of mode "thread", with the addon. */
export class AddonThreadInstance implements SharedInstance {
  capacity = 1;
  outstanding = 0;
  readonly processes = [];
  readonly conditions = new Conditions();
  /** The addon says no more of it then, either. */
  readonly gone: Promise<void>;
  #isGone!: () => void;
  readonly #log: ThreadLog;
  readonly #tasks: LaneTasks;
  /** By slot. */
  readonly #calls: (Exchange | undefined)[] = [];
  /** Slots of calls that have had their time and still hold a thread. */
  readonly #overdue = new Set<number>();
  /** By slot, of calls whose handlers have said something. */
  readonly #streams = new Map<number, CallStream>();
  /** Slots of calls that go on without a thread. */
  readonly #kept = new Set<number>();
  #closing: Promise<void> | undefined;

  /** @param flushSoon sees to it that what was submitted reaches the threads */
  constructor(
    private readonly source: NativeSource,
    private readonly addon: Addon,
    private readonly lane: number,
    private readonly flushSoon: () => void,
  ) {
    this.gone = new Promise((resolve) => (this.#isGone = resolve));
    this.#log = new ThreadLog(source);
    this.#tasks = new LaneTasks(source, addon, lane, flushSoon);
  }

  /**
   * @param limit milliseconds
   * @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED or INIT_FAILED
   */
  async open(limit: number): Promise<Pick<OpenImage, 'library' | 'declared' | 'bodies'>> {
    try {
      const { library, threads, declared, bodies } = await this.#tasks.open(limit);
      this.capacity = threads;
      this.addon.limitLane(this.lane, threads);
      return { library, declared, bodies };
    } catch (refusal) {
      const running = refusal instanceof DlserveError && refusal.cause instanceof StillRuns ? refusal.cause.end : undefined;
      void Promise.resolve(running).then(this.#isGone);
      throw refusal;
    }
  }

  get handlers(): Handlers {
    return this.source.handlers;
  }

  call(exchange: Exchange): void {
    if (this.#closing !== undefined) {
      exchange.fail(new DlserveError('STOPPING'));
      return;
    }
    const { handler, text, bodyParts, limits } = exchange;
    let slot: number;
    try {
      slot = this.addon.submit(this.lane, handler.index, text, bodyParts, limits.ownAt, limits.timeout, limits.beginBy, exchange.input !== null);
    } catch (error) {
      exchange.fail(notTaken(this.source, exchange, error));
      return;
    }
    if (slot === -1) {
      exchange.fail(new DlserveError('OUT_OF_MEMORY', { what: 'the request' }));
      return;
    }
    // The thread has a copy. A call that waits behind one that hangs may have to be made elsewhere.
    if (!this.source.settings.demote) exchange.dropBody();
    this.#calls[slot] = exchange;
    this.outstanding++;
    this.flushSoon();
  }

  /** A record of the addon says that a job has ended. */
  ended(records: Records, index: number): void {
    const slot = records.slot(index);
    const exchange = this.#calls[slot];
    const outcome = records.outcome(index);
    const status = records.status(index);
    const body = records.takeBody(index);
    const headers = records.takeHeaders(index);
    if (exchange === undefined) {
      this.#tasks.ended({ outcome, status, body });
      return;
    }
    if (outcome >= Outcome.HEAD) {
      this.#heard(slot, exchange, { outcome, status, body, headers });
      return;
    }
    this.#calls[slot] = undefined;
    if (this.#overdue.size > 0 && this.#overdue.delete(slot)) this.#log.cameBack(exchange);
    const stream = this.#streams.size > 0 ? this.#leaveStream(slot) : undefined;
    if (!this.#kept.delete(slot)) this.outstanding--;
    this.conditions.changed();
    if (outcome === Outcome.LAST) stream?.last(body);
    if (outcome === Outcome.REPLY) exchange.reply({ status, body: body as Exclude<Body, number>, headers });
    else if (outcome === Outcome.LAST) exchange.end();
    else refuse(this.source, exchange, outcome, body);
  }

  /** The handler of a call says something, and the call goes on. */
  #heard(slot: number, exchange: Exchange, event: CallEvent): void {
    if (event.outcome === Outcome.KEPT) {
      this.#keep(slot, exchange);
      return;
    }
    let stream = this.#streams.get(slot);
    if (stream === undefined) this.#streams.set(slot, (stream = new CallStream(this.source, this.addon, this.lane, slot, exchange)));
    stream.heard(event);
  }

  /** The handler of a call has returned, and the call goes on. */
  #keep(slot: number, exchange: Exchange): void {
    if (this.#overdue.delete(slot)) this.#log.cameBack(exchange);
    this.#kept.add(slot);
    this.outstanding--;
    this.conditions.changed();
  }

  #leaveStream(slot: number): CallStream | undefined {
    const stream = this.#streams.get(slot);
    this.#streams.delete(slot);
    stream?.over();
    return stream;
  }

  begunAt(exchange: Exchange): number | undefined {
    const slot = this.#calls.indexOf(exchange);
    const at = slot === -1 ? -1 : this.addon.begunAt(this.lane, slot);
    return at === -1 ? undefined : at;
  }

  withdraw(exchange: Exchange): boolean {
    return this.#withdraw(this.#calls.indexOf(exchange), !exchange.isAwaited) === JobState.WAITING;
  }

  expire(exchange: Exchange): void {
    const slot = this.#calls.indexOf(exchange);
    const state = this.#withdraw(slot, true);
    if (this.#kept.has(slot)) return;
    if (state === JobState.BEGUN) this.#holds(slot, exchange);
    // It has just heard that it is to end.
    else if (state === JobState.HELD) setTimeout(() => this.#calls[slot] === exchange && this.#holds(slot, exchange), TO_GIVE_WAY).unref();
  }

  #holds(slot: number, exchange: Exchange): void {
    if (this.#kept.has(slot)) return;
    this.#overdue.add(slot);
    this.#log.holds(exchange);
  }

  /**
   * @param disregards see Addon.withdraw
   * @returns the state that the job was found in; one that is not here, or not yet heard of, has ended
   */
  #withdraw(slot: number, disregards: boolean): number {
    if (slot === -1) return JobState.ENDED;
    const state = this.addon.withdraw(this.lane, slot, disregards);
    if (state === JobState.WAITING) {
      this.#calls[slot] = undefined;
      this.outstanding--;
      this.conditions.changed();
    }
    return state;
  }

  pending(): Exchange[] {
    return this.#calls.filter((call) => call !== undefined);
  }

  giveUp(exchanges: readonly Exchange[]): void {
    const running = exchanges.filter((exchange) => {
      const slot = this.#calls.indexOf(exchange);
      if (this.#withdraw(slot, true) === JobState.ENDED || this.#kept.has(slot) || this.#calls[slot] === undefined) return false;
      this.#overdue.add(slot);
      return true;
    });
    this.#log.givenUp(running);
    for (const exchange of exchanges) exchange.fail(new DlserveError('STOPPING'));
  }

  close(limit: number): Promise<void> {
    this.#closing ??= this.#close(performance.now() + limit);
    return this.#closing;
  }

  async #close(end: number): Promise<void> {
    const left = (): number => end - performance.now();
    const isDrained = await this.conditions.until(this.#isIdle, left());
    if (!isDrained) this.giveUp(this.pending());
    const ending = this.#end(left);
    if (isDrained && !(await inTime(ending, left()))) this.#log.stopHangs();
  }

  /** Sees it to its end, however long the last call takes to come back. */
  async #end(left: () => number): Promise<void> {
    try {
      // What was kept may be ended by PluginStop.
      await this.conditions.until(() => this.outstanding === 0, Infinity);
      await this.#tasks.close(() => (left() > 0 ? left() : openLimit(this.source.settings)), this.#isIdle);
    } catch (error) {
      this.source.log.error({ plugin: this.source.name, err: error }, 'a plugin could not be closed; its threads are given up');
      this.#tasks.abandon();
    } finally {
      this.#isGone();
    }
  }

  readonly #isIdle = (): boolean => this.outstanding === 0 && this.#kept.size === 0;
}
