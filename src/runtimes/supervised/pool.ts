import { DlserveError } from '../../ground/errors';
import { Conditions } from '../../ground/waiting';
import type { Exchange } from '../../plugin/exchange';
import type { Declared } from '../../plugin/route';
import type { PluginSource } from '../../plugin/runtime';
import { Aftermath } from './aftermath';
import { Elastic, type ElasticOwner } from './elastic';
import { Health } from './health';
import type { SupervisedKeys } from './keys';
import { leastBusy } from './least-busy';
import { PluginLog } from './plugin-log';
import type { PoolUser } from './pool-user';
import { Rest } from './rest';
import { Shortage, SPAWN_RETRY } from './shortage';
import { Staff } from './staff';
import { Starter, type StarterOwner } from './starter';
import { Watch } from './watch';
import type { Death, Wire, Worker, WorkerOwner } from './worker';

/** The workers of one plugin: they come, crash, are replaced, rest and go. */
export class Pool implements WorkerOwner, ElasticOwner, StarterOwner {
  /** Something has come to its end. */
  readonly conditions = new Conditions();
  /** What the plugin says of itself, in the first of its workers; undefined where it says nothing. */
  declared: Declared | undefined;
  /** How each handler takes a body, as the first of its workers says; empty where all take it as text. */
  bodies: Uint8Array = new Uint8Array();
  /** Calls that all workers together execute at once. */
  capacity = 0;
  readonly #staff = new Staff();
  readonly #log: PluginLog;
  readonly #health: Health;
  readonly #rest: Rest;
  readonly #aftermath: Aftermath;
  readonly #elastic: Elastic;
  readonly #starter: Starter;
  readonly #shortage: Shortage;
  #opening: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  readonly #watch = new Watch(() => this.#look());
  /** Calls that the first worker executed at once. */
  #concurrency = 0;
  /** Whether there are calls. Bound once: every call asks. */
  readonly #isBusy = (): boolean => this.load + this.user.waiting > 0;
  #isDraining = false;
  #isClosed = false;

  constructor(
    wire: Wire,
    private readonly source: PluginSource<SupervisedKeys>,
    private readonly user: PoolUser,
  ) {
    this.#log = new PluginLog(source);
    this.#health = new Health(source, this.#log);
    this.#rest = new Rest(this.#health, { tryAgain: () => this.#restartSoon(0), recovered: () => this.#recovered() });
    this.#shortage = new Shortage(source);
    this.#starter = new Starter(this, this.#staff, () => wire.start(this));
    this.#elastic = new Elastic(this, this.#staff, user, source.settings.own);
    this.#aftermath = new Aftermath(source.settings.own, {
      staff: this.#staff,
      health: this.#health,
      rest: this.#rest,
      elastic: this.#elastic,
      shortage: this.#shortage,
      user,
      takeBack: (exchanges) => this.#takeBack(exchanges),
      restartSoon: (delay) => this.#restartSoon(delay),
    });
  }

  /** @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED, INIT_FAILED or UNAVAILABLE */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#starter.now();
    });
  }

  /** Calls that the workers have. */
  get load(): number {
    return this.#staff.load;
  }

  /** Calls that go on in them although their handlers have returned. */
  get kept(): number {
    return this.#staff.kept;
  }

  get processes(): number[] {
    return this.#staff.processes;
  }

  /** Why a call can't be taken now; undefined where it can. */
  refusal(exchange: Exchange): DlserveError | undefined {
    if (this.#shortage.error !== null && this.#staff.workers.length === 0) return this.#shortage.error;
    const refusal = this.#health.refusal(exchange, this.#isBusy);
    if (refusal === undefined && !this.#health.isServing && this.#staff.workers.length === 0) this.#restartSoon(0);
    return refusal;
  }

  /** The worker for the next call; null while none has room. */
  pick(): Worker | null {
    this.#watch.begin();
    this.#elastic.begin();
    return leastBusy(this.#staff.workers, this.#elastic.isSingle, this.#elastic.slow);
  }

  /** See {@link Worker.begunAt}. */
  begunAt(exchange: Exchange): number | undefined {
    return this.#staff.begunAt(exchange);
  }

  /** @returns whether a worker had the call and will never begin it */
  withdraw(exchange: Exchange): boolean {
    if (!this.#staff.withdraw(exchange)) return false;
    this.dropped(exchange);
    this.conditions.changed();
    return true;
  }

  /** The call is not made. */
  dropped(exchange: Exchange): void {
    this.#health.dropped(exchange);
  }

  /** The call, which is in some worker, has had its time. */
  expire(exchange: Exchange): void {
    this.#staff.expire(exchange);
  }

  // How many there are.

  /** @internal */
  get wanted(): number {
    return this.#health.isServing ? this.#elastic.wanted : 1;
  }

  /** @internal */
  starts(): void {
    this.#log.restarts();
  }

  /** @internal */
  lacks(reason: string, cause?: unknown): void {
    const error = this.#shortage.errorOf(reason, cause);
    if (this.#opening !== null) {
      this.#giveUpOpening(error);
      return;
    }
    this.#shortage.begin(error);
    if (this.#staff.workers.length === 0) {
      this.user.refuse(() => error);
    } else {
      this.#elastic.refused();
      this.user.hasRoom();
    }
    this.#starter.after(SPAWN_RETRY);
  }

  #restartSoon(delay: number): void {
    if (this.#isDraining && !this.#isBusy()) return;
    if (delay > 0) this.#starter.after(delay);
    else this.#starter.now();
  }

  /** @internal */
  unload(workers: readonly Worker[]): void {
    const back = workers.flatMap((worker) => worker.reclaim());
    if (back.length > 0) this.#takeBack(back);
    this.user.hasRoom();
  }

  /** @internal */
  scaled(wanted: number): void {
    this.#log.scales(wanted);
    this.#starter.now();
    this.#countCapacity();
  }

  #giveUpOpening(error: DlserveError): void {
    this.#opening?.reject(error);
    this.#opening = null;
    this.#isClosed = true;
    this.#starter.stop();
    this.#staff.kill('close');
  }

  // What workers tell.

  opened(worker: Worker): void {
    this.#shortage.end();
    if (this.#opening !== null) {
      if (this.#staff.workers.some((other) => other.state !== 'ready')) return;
      this.#concurrency = worker.concurrency;
      this.declared = worker.declared;
      this.bodies = worker.bodies;
      this.#log.opened();
      this.#opening.resolve();
      this.#opening = null;
    }
    this.#countCapacity();
    this.#rest.opened(worker);
    if (this.#isClosed) worker.stop();
    else this.user.hasRoom();
  }

  #countCapacity(): void {
    this.capacity = this.#staff.capacity(this.wanted, this.#concurrency);
  }

  answered(exchange: Exchange): void {
    this.#health.answered(exchange);
  }

  gaveBack(exchange: Exchange): void {
    this.#takeBack([exchange]);
  }

  replied(worker: Worker): void {
    const isWellAgain = worker.served > 0 && this.#health.replied();
    this.user.hasRoom();
    this.conditions.changed();
    if (isWellAgain) this.#recovered();
  }

  /** The plugin rests no longer. */
  #recovered(): void {
    this.#starter.now();
    this.source.observer.resting(false);
  }

  retired(worker: Worker, waiting: readonly Exchange[]): void {
    this.#staff.leave(worker);
    this.#elastic.forget(worker);
    this.#takeBack(waiting);
    // Where it ends at once, the next one starts after its end, so that they don't meet.
    if (!worker.isEnding) this.#restartSoon(0);
    this.user.hasRoom();
  }

  died(worker: Worker, death: Death): void {
    this.#staff.remove(worker);
    this.#elastic.forget(worker);
    let again: readonly Exchange[] = [];
    if (death.lack !== null && !this.#isClosed) {
      this.lacks(death.lack);
    } else if (this.#opening !== null) {
      this.#giveUpOpening(death.refusal ?? new DlserveError('LOAD_FAILED', { library: this.source.file.base, reason: death.exit.words }));
    } else {
      again = this.#aftermath.of(worker, death, this.#isClosed);
    }
    this.conditions.changed();
    if (death.lack !== null || death.stopped) return;
    this.#log.death(death, again);
    // Comes last, when all is done for the calls and for the next worker: whoever hears of it may throw.
    if (this.#health.isResting && !this.#isClosed) this.source.observer.resting(true);
  }

  /** Calls that have not begun wait again, but for those whose handlers have begun to rest. */
  #takeBack(exchanges: readonly Exchange[]): void {
    this.user.takeBack(exchanges);
    if (this.#health.isAnyHeldBack) this.user.refuse((exchange) => this.#health.heldBack(exchange));
  }

  /** @returns whether there are calls */
  #look(): boolean {
    if (this.kept === 0 && !this.#isBusy()) return false;
    this.#health.pass();
    this.#staff.checkStalls();
    this.#countCapacity();
    // One that gets more threads than before has room although it has not replied.
    this.user.hasRoom();
    return true;
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
    this.#isClosed = true;
    this.#starter.stop();
    await this.#staff.close(limit, this.conditions);
    this.#watch.stop();
    this.#elastic.stop();
    this.#rest.stop();
    await this.#log.told();
  }
}
