import { DlserveError, messageOf } from '../../ground/errors';
import { Conditions } from '../../ground/waiting';
import type { Exchange } from '../../plugin/exchange';
import type { Declared } from '../../plugin/route';
import type { PluginSource } from '../../plugin/runtime';
import { CrashRecord } from './crash-record';
import { lossError } from './deaths';
import type { SupervisedKeys } from './keys';
import { leastBusy } from './least-busy';
import { PluginLog } from './plugin-log';
import type { PoolUser } from './pool-user';
import { failAll } from './settling';
import type { Death, Wire, Worker, WorkerOwner } from './worker';

/** Milliseconds between two looks at workers that have calls, and after how many without progress one is given up. */
const WATCH = 250;
const STALLED = 4;

/** Milliseconds from SIGTERM to SIGKILL. */
const TERMINATE_GRACE = 500;

/** Milliseconds until a process that the system could not start is tried again. */
const SPAWN_RETRY = 200;

/** The workers of one plugin: they come, crash, are replaced, rest and go. */
export class Pool implements WorkerOwner {
  /** Something has come to its end. */
  readonly conditions = new Conditions();
  /** What the plugin says of itself, in the first of its workers; undefined where it says nothing. */
  declared: Declared | undefined;
  /** Calls that all workers together execute at once. */
  capacity = 0;
  /** Those that take calls, or soon will. */
  #workers: Worker[] = [];
  /** Those that only finish what they have. */
  readonly #leaving = new Set<Worker>();
  readonly #crashes: CrashRecord;
  readonly #log: PluginLog;
  #opening: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  #restart: NodeJS.Timeout | null = null;
  #watch: NodeJS.Timeout | null = null;
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
    this.#crashes = new CrashRecord(source.settings.own);
    this.#log = new PluginLog(source);
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

  /** Why a call can't be taken now; undefined where it can. After a rest, one at a time may try whether the plugin is well. */
  refusal(): DlserveError | undefined {
    if (this.#unavailable !== null && this.#workers.length === 0) return this.#unavailable;
    if (this.#crashes.isServing || this.#admitsTrial()) return undefined;
    return this.#resting();
  }

  #admitsTrial(): boolean {
    if (this.#crashes.restLeft > 0 || this.load + this.user.waiting > 0) return false;
    if (this.#crashes.isResting) {
      this.#crashes.beginTrial();
      this.#startMissing();
    }
    return true;
  }

  #resting(): DlserveError {
    const seconds = Math.max(1, Math.ceil(this.#crashes.restLeft / 1000));
    const details = { plugin: this.source.name, crashes: this.#crashes.count };
    return new DlserveError('PLUGIN_RESTING', details, { headers: { 'Retry-After': String(seconds) } });
  }

  /** The worker for the next call; null while none has room. */
  pick(): Worker | null {
    this.#watch ??= setInterval(() => this.#look(), WATCH);
    return leastBusy(this.#workers, this.source.settings.own.workers === 1);
  }

  /** See {@link Worker.begunAt}. */
  begunAt(exchange: Exchange): number | undefined {
    for (const worker of this.#all()) {
      const at = worker.begunAt(exchange);
      if (at !== undefined) return at;
    }
    return undefined;
  }

  /** @returns whether a worker had the call and will never begin it */
  withdraw(exchange: Exchange): boolean {
    if (!this.#all().some((worker) => worker.withdraw(exchange))) return false;
    this.conditions.changed();
    return true;
  }

  /** The call, which is in some worker, has had its time. */
  expire(exchange: Exchange): void {
    this.#all().some((worker) => worker.expire(exchange));
  }

  #startMissing(): void {
    this.#restart = null;
    const wanted = this.#crashes.isServing ? this.source.settings.own.workers : 1;
    if (this.#workers.length < wanted) this.#log.restarts();
    while (this.#workers.length < wanted) if (!this.#start()) return;
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
    if (this.#workers.length === 0) this.user.refuse(error);
    else this.user.hasRoom();
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
      this.declared = worker.declared;
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
    const missing = this.source.settings.own.workers - open.length;
    this.capacity = open.reduce((sum, { concurrency }) => sum + concurrency, missing * this.#concurrency);
  }

  replied(worker: Worker): void {
    const isWellAgain = !this.#crashes.isServing && worker.served > 0;
    if (isWellAgain) {
      this.#crashes.answered();
      this.#startMissing();
    }
    this.user.hasRoom();
    this.conditions.changed();
    if (isWellAgain) this.source.observer.resting(false);
  }

  retired(worker: Worker, waiting: readonly Exchange[]): void {
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#leaving.add(worker);
    this.user.takeBack(waiting);
    // Where it ends at once, the next one starts after its end, so that they don't meet.
    if (!worker.isEnding) this.#restartSoon();
    this.user.hasRoom();
  }

  died(worker: Worker, death: Death): void {
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#leaving.delete(worker);
    if (death.lack !== null && !this.#isClosed) {
      this.#lacks(death.lack);
    } else if (this.#opening !== null) {
      this.#giveUpOpening(death.refusal ?? new DlserveError('LOAD_FAILED', { library: this.source.file.base, reason: death.exit.words }));
    } else {
      this.#mourn(worker, death);
    }
    this.conditions.changed();
    if (death.lack === null && !death.stopped) this.#tell(death);
  }

  /** Comes last, when all is done for the calls and for the next worker: whoever hears of it may throw. */
  #tell(death: Death): void {
    this.#log.death(death);
    if (this.#crashes.isResting && !this.#isClosed) this.source.observer.resting(true);
  }

  #mourn(worker: Worker, death: Death): void {
    this.user.takeBack(death.waiting);
    failAll(death.executing, (exchange) => lossError(exchange, death));
    if (this.#isClosed) this.user.refuse(new DlserveError('STOPPING'));
    else this.#judge(worker, death);
    // What was taken back need not wait for the next one to open, if another has room.
    this.user.hasRoom();
  }

  /** A deadline's or a stall's victim is replaced at once and counts as no crash: its pace is that of the deadlines. */
  #judge(worker: Worker, death: Death): void {
    if (death.ending === 'deadline' || death.ending === 'stall') this.#crashes.failed();
    else this.#crashes.crashed(worker.served > 0);
    if (this.#crashes.isResting) this.#rest();
    else this.#restartSoon();
  }

  #rest(): void {
    this.#log.rests(this.#crashes.count);
    this.user.refuse(this.#resting());
  }

  #restartSoon(): void {
    if (this.#restart !== null || this.#isClosed) return;
    if (this.#isDraining && this.load + this.user.waiting === 0) return;
    const delay = this.#crashes.delay;
    if (delay === 0) this.#startMissing();
    else this.#restart = setTimeout(() => this.#startMissing(), delay).unref();
  }

  /** Runs while there are calls, and keeps the process alive for them. */
  #look(): void {
    if (this.load + this.user.waiting === 0) {
      clearInterval(this.#watch!);
      this.#watch = null;
      return;
    }
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
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#watch = null;
  }

  #all(): Worker[] {
    return [...this.#workers, ...this.#leaving];
  }
}
