import { DlserveError, messageOf } from '../../ground/errors';
import { Conditions } from '../../ground/waiting';
import type { Exchange } from '../../plugin/exchange';
import type { PluginSource } from '../../plugin/runtime';
import { blameOf, Retries, type Blame } from './blame';
import { lossError } from './deaths';
import { Health } from './health';
import type { SupervisedKeys } from './keys';
import { leastBusy } from './least-busy';
import { PACE, Pace } from './pace';
import { PluginLog } from './plugin-log';
import type { PoolUser } from './pool-user';
import { Scale } from './scale';
import { failAll } from './settling';
import type { Death, Wire, Worker, WorkerOwner } from './worker';

/** Milliseconds between two looks at workers that have calls, and after how many without progress one is given up. */
const WATCH = 250;
const STALLED = 4;

/** Milliseconds from SIGTERM to SIGKILL. */
const TERMINATE_GRACE = 500;

/** Milliseconds until a process that the system could not start is tried again. */
const SPAWN_RETRY = 200;

/** Milliseconds that a worker has to end which is one too many. */
const STOP_LIMIT = 10_000;
/** How often a worker is looked at in the time that it may have nothing to do. */
const IDLE_LOOKS = 4;

/** The workers of one plugin: they come, crash, are replaced, rest and go. */
export class Pool implements WorkerOwner {
  /** Something has come to its end. */
  readonly conditions = new Conditions();
  /** Calls that all workers together execute at once. */
  capacity = 0;
  /** Those that take calls, or soon will. */
  #workers: Worker[] = [];
  /** Those that only finish what they have. */
  readonly #leaving = new Set<Worker>();
  readonly #log: PluginLog;
  readonly #health: Health;
  readonly #retries: Retries;
  readonly #scale: Scale;
  readonly #pace = new Pace();
  #opening: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  #restart: NodeJS.Timeout | null = null;
  #watch: NodeJS.Timeout | null = null;
  #pacer: NodeJS.Timeout | null = null;
  #idler: NodeJS.Timeout | null = null;
  /** Why no process could be started at the last attempt. */
  #unavailable: DlserveError | null = null;
  /** Calls that the first worker executed at once. */
  #concurrency = 0;
  #isDraining = false;
  #isClosed = false;

  constructor(
    private readonly wire: Wire,
    private readonly source: PluginSource<SupervisedKeys>,
    private readonly user: PoolUser,
  ) {
    this.#log = new PluginLog(source);
    this.#health = new Health(source, this.#log);
    this.#retries = new Retries(source.settings.own.retry);
    this.#scale = new Scale(source.settings.own);
  }

  /** @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED, INIT_FAILED or UNAVAILABLE */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#startMissing();
    });
  }

  /** Calls that the workers have. */
  get load(): number {
    let count = 0;
    for (const worker of this.#workers) count += worker.load;
    for (const worker of this.#leaving) count += worker.load;
    return count;
  }

  get processes(): number[] {
    return this.#all().flatMap(({ pid }) => (pid === null ? [] : [pid]));
  }

  /** Why a call can't be taken now; undefined where it can. */
  refusal(exchange: Exchange): DlserveError | undefined {
    if (this.#unavailable !== null && this.#workers.length === 0) return this.#unavailable;
    const refusal = this.#health.refusal(exchange, () => this.load + this.user.waiting > 0);
    if (refusal === undefined && !this.#health.isServing && this.#workers.length === 0) this.#restartSoon(0);
    return refusal;
  }

  /** The worker for the next call; null while none has room. */
  pick(): Worker | null {
    this.#watch ??= setInterval(() => this.#look(), WATCH);
    if (!this.#scale.isSingle) this.#pacer ??= setInterval(() => this.#keepPace(), PACE);
    return leastBusy(this.#workers, this.#scale.isSingle, this.#pace.slow);
  }

  /** @returns whether a worker had the call and will never begin it */
  withdraw(exchange: Exchange): boolean {
    if (!this.#all().some((worker) => worker.withdraw(exchange))) return false;
    this.dropped(exchange);
    this.conditions.changed();
    return true;
  }

  /** The call is not made. */
  dropped(exchange: Exchange): void {
    this.#health.dropped(exchange);
  }

  /** The call, which is in some worker, is past its deadline. */
  expire(exchange: Exchange): void {
    this.#all().some((worker) => worker.expire(exchange));
  }

  /** Workers that there should be now. */
  get #wanted(): number {
    return this.#health.isServing ? this.#scale.wanted : 1;
  }

  #startMissing(): void {
    this.#restart = null;
    if (this.#workers.length < this.#wanted) this.#log.restarts();
    while (this.#workers.length < this.#wanted) if (!this.#start()) return;
  }

  #start(): boolean {
    try {
      this.#workers.push(this.wire.start(this));
      return true;
    } catch (cause) {
      this.#lacks(messageOf(cause), cause);
      return false;
    }
  }

  /** The system has no process for the plugin, or no descriptors for its sockets: that is no crash, and passes. */
  #lacks(reason: string, cause?: unknown): void {
    const { name, log } = this.source;
    const error = new DlserveError('UNAVAILABLE', { plugin: name, reason }, { cause, headers: { 'Retry-After': '1' } });
    if (this.#opening !== null) {
      this.#giveUpOpening(error);
      return;
    }
    if (this.#unavailable === null) log.error({ plugin: name, retry: SPAWN_RETRY }, error.message);
    this.#unavailable = error;
    if (this.#workers.length === 0) {
      this.user.refuse(() => error);
    } else {
      this.#scale.refused();
      this.user.hasRoom();
    }
    if (!this.#isClosed) this.#restart ??= setTimeout(() => this.#startMissing(), SPAWN_RETRY).unref();
  }

  #giveUpOpening(error: DlserveError): void {
    const opening = this.#opening;
    this.#opening = null;
    this.#isClosed = true;
    for (const worker of this.#workers) worker.kill('close');
    opening?.reject(error);
  }

  // What workers tell.

  opened(worker: Worker): void {
    this.#unavailable = null;
    if (this.#opening !== null) {
      if (this.#workers.some((other) => other.state !== 'ready')) return;
      this.#concurrency = worker.concurrency;
      this.#log.opened();
      this.#opening.resolve();
      this.#opening = null;
    }
    this.#countCapacity();
    if (this.#isClosed) worker.stop();
    else this.user.hasRoom();
  }

  /** A worker that is missing will be as good as another. */
  #countCapacity(): void {
    const open = this.#workers.filter(({ concurrency }) => concurrency > 0);
    const missing = Math.max(0, this.#wanted - open.length);
    this.capacity = open.reduce((sum, { concurrency }) => sum + concurrency, missing * this.#concurrency);
  }

  answered(exchange: Exchange): void {
    this.#health.answered(exchange);
  }

  gaveBack(exchange: Exchange): void {
    if (exchange.isSettled) this.dropped(exchange);
    else this.#takeBack([exchange]);
  }

  replied(worker: Worker): void {
    const isWellAgain = worker.served > 0 && this.#health.replied();
    if (isWellAgain) this.#startMissing();
    this.user.hasRoom();
    this.conditions.changed();
    if (isWellAgain) this.source.observer.resting(false);
  }

  retired(worker: Worker, waiting: readonly Exchange[]): void {
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#leaving.add(worker);
    this.#pace.forget(worker);
    this.#takeBack(waiting);
    // Where it ends at once, the next one starts after its end, so that they don't meet.
    if (!worker.isEnding) this.#restartSoon(0);
    this.user.hasRoom();
  }

  died(worker: Worker, death: Death): void {
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#leaving.delete(worker);
    this.#pace.forget(worker);
    let again: readonly Exchange[] = [];
    if (death.lack !== null && !this.#isClosed) {
      this.#lacks(death.lack);
    } else if (this.#opening !== null) {
      this.#giveUpOpening(death.refusal ?? new DlserveError('LOAD_FAILED', { library: this.source.file.base, reason: death.exit.words }));
    } else {
      again = this.#mourn(worker, death);
    }
    this.conditions.changed();
    if (death.lack === null && !death.stopped) this.#tell(death, again);
  }

  /** Comes last, when all is done for the calls and for the next worker: whoever hears of it may throw. */
  #tell(death: Death, again: readonly Exchange[]): void {
    this.#log.death(death, again);
    if (this.#health.isResting && !this.#isClosed) this.source.observer.resting(true);
  }

  /** @returns calls that were inside and are made again */
  #mourn(worker: Worker, death: Death): readonly Exchange[] {
    const blame = blameOf(death);
    const again = this.#isClosed ? [] : this.#retries.of(blame);
    this.user.takeBack([...again, ...death.waiting]);
    failAll(death.executing.filter((exchange) => !again.includes(exchange)), (exchange) => lossError(exchange, death));
    if (this.#isClosed) this.user.refuse(() => new DlserveError('STOPPING'));
    else if (!death.stopped) this.#judge(worker, death, blame);
    // What was taken back need not wait for the next one to open, if another has room.
    this.user.hasRoom();
    return again;
  }

  #judge(worker: Worker, death: Death, blame: Blame): void {
    const isAlone = !this.#workers.some(({ state }) => state === 'ready');
    const rests = this.#health.judge(blame, worker.served > 0, isAlone);
    if (death.refusal !== null && !isAlone) this.#scale.refused();
    if (rests.plugin) {
      this.user.refuse(() => this.#health.pluginRests());
      return;
    }
    if (rests.handler) for (const other of this.#workers) this.user.takeBack(other.reclaim());
    this.#takeBack([]);
    // What a call has done to its process must cost no other one the time of a pause.
    this.#restartSoon(blame.isExplained ? 0 : this.#health.delay);
  }

  /** Calls that have not begun wait again, but for those whose handlers have begun to rest. */
  #takeBack(exchanges: readonly Exchange[]): void {
    this.user.takeBack(exchanges);
    if (this.#health.isAnyHeldBack) this.user.refuse((exchange) => this.#health.heldBack(exchange));
  }

  #restartSoon(delay: number): void {
    if (this.#isClosed || (this.#isDraining && this.load + this.user.waiting === 0)) return;
    if (delay > 0) {
      this.#restart ??= setTimeout(() => this.#startMissing(), delay).unref();
      return;
    }
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#startMissing();
  }

  // As many as are needed.

  /** Runs while there are calls, where more than one worker may be. */
  #keepPace(): void {
    if (this.load + this.user.waiting === 0) {
      clearInterval(this.#pacer!);
      this.#pacer = null;
      return;
    }
    const back = this.#pace.look(this.#workers).flatMap((worker) => worker.reclaim());
    if (back.length > 0) this.#takeBack(back);
    this.user.hasRoom();
    const isOpening = this.#workers.length < this.#wanted || this.#workers.some(({ state }) => state !== 'ready');
    if (!this.#health.isServing || !this.#scale.look(this.user.waiting, this.user.through, isOpening)) return;
    this.#log.scales(this.#scale.wanted);
    this.#startMissing();
    this.#idler ??= setInterval(() => this.#lessen(), this.source.settings.own.scaleidle / IDLE_LOOKS).unref();
  }

  #lessen(): void {
    const worker = this.#scale.idle(this.#workers);
    if (worker === undefined) return;
    this.#log.scales(this.#scale.wanted);
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#leaving.add(worker);
    worker.stop();
    setTimeout(() => worker.state === 'dead' || worker.kill('close'), STOP_LIMIT).unref();
    this.#countCapacity();
  }

  /** Runs while there are calls, and keeps the process alive for them. */
  #look(): void {
    if (this.load + this.user.waiting === 0) {
      clearInterval(this.#watch!);
      this.#watch = null;
      return;
    }
    this.#health.pass();
    for (const worker of this.#all()) if (worker.checkStall() >= STALLED) worker.kill('stall');
    this.#countCapacity();
    // One that gets more threads than before has room although it has not replied.
    this.user.hasRoom();
  }

  // The end.

  /** No further call will come: what crashes is replaced only as long as calls wait. */
  drain(): void {
    this.#isDraining = true;
  }

  /**
   * Stops all workers: politely, then by SIGTERM, then by force.
   * @param limit milliseconds to the first force
   */
  async close(limit: number): Promise<void> {
    const end = performance.now() + limit;
    this.#isClosed = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    for (const worker of this.#all()) {
      if (worker.state === 'ready') worker.stop();
      // One that still opens its library is stopped after that.
      else if (worker.state !== 'opening') worker.kill('close');
    }
    const isEmpty = (): boolean => this.#workers.length === 0 && this.#leaving.size === 0;
    if (!(await this.conditions.until(isEmpty, end - performance.now()))) {
      for (const worker of this.#all()) worker.terminate();
      if (!(await this.conditions.until(isEmpty, TERMINATE_GRACE))) {
        for (const worker of this.#all()) worker.kill('close');
        await this.conditions.until(isEmpty, Infinity);
      }
    }
    for (const timer of [this.#watch, this.#pacer, this.#idler]) if (timer !== null) clearInterval(timer);
    this.#watch = this.#pacer = this.#idler = null;
    await this.#log.told();
  }

  #all(): Worker[] {
    return [...this.#workers, ...this.#leaving];
  }
}
