import { PACE, Pace } from './pace';
import type { PoolUser } from './pool-user';
import { Scale, type ScaleLimits } from './scale';
import type { Staff } from './staff';
import type { Worker } from './worker';

/** Whoever has workers of which there may be more or fewer. */
export interface ElasticOwner {
  /** These had calls waiting behind slow ones, and get none to wait there for a while. */
  unload(workers: readonly Worker[]): void;
  /** So many are wanted from now on. */
  scaled(wanted: number): void;
}

/** How often a worker is looked at in the time that it may have nothing to do. */
const IDLE_LOOKS = 4;

/** Several workers of one plugin, or one that may become several: nobody waits behind a slow call, and there are as many as that takes. */
export class Elastic {
  readonly #scale: Scale;
  readonly #pace = new Pace();
  #pacer: NodeJS.Timeout | null = null;
  #idler: NodeJS.Timeout | null = null;

  constructor(
    private readonly owner: ElasticOwner,
    private readonly staff: Staff,
    private readonly user: PoolUser,
    private readonly limits: ScaleLimits,
  ) {
    this.#scale = new Scale(limits);
  }

  /** How many workers there should be. */
  get wanted(): number {
    return this.#scale.wanted;
  }

  /** Whether there is never more than one. */
  get isSingle(): boolean {
    return this.limits.workers.most === 1;
  }

  /** Workers that get no calls but those that they can execute at once. */
  get slow(): ReadonlySet<Worker> {
    return this.#pace.slow;
  }

  /** There are calls. */
  begin(): void {
    if (!this.isSingle) this.#pacer ??= setInterval(() => this.#look(), PACE);
  }

  /** It takes no more calls. */
  forget(worker: Worker): void {
    this.#pace.forget(worker);
  }

  /** A worker above the fewest could not be had. */
  refused(): void {
    this.#scale.refused();
  }

  stop(): void {
    for (const timer of [this.#pacer, this.#idler]) if (timer !== null) clearInterval(timer);
    this.#pacer = this.#idler = null;
  }

  #look(): void {
    const { staff, user } = this;
    if (staff.load + user.waiting === 0) {
      clearInterval(this.#pacer!);
      this.#pacer = null;
      return;
    }
    this.owner.unload(this.#pace.look(staff.workers));
    const isOpening = staff.workers.length < this.wanted || staff.workers.some(({ state }) => state !== 'ready');
    if (!this.#scale.look(user.waiting, user.through, isOpening)) return;
    this.owner.scaled(this.wanted);
    this.#idler ??= setInterval(() => this.#lessen(), this.limits.scaleidle / IDLE_LOOKS).unref();
  }

  #lessen(): void {
    if (this.wanted <= this.limits.workers.least) {
      clearInterval(this.#idler!);
      this.#idler = null;
      return;
    }
    const worker = this.#scale.idle(this.staff.workers);
    if (worker === undefined) return;
    this.forget(worker);
    this.staff.dismiss(worker);
    this.owner.scaled(this.wanted);
  }
}
