/** Milliseconds before the second restart in a row; each further one waits twice as long, up to the last. */
const FIRST_DELAY = 10;
const LAST_DELAY = 1000;

export interface CrashLimits {
  /** Crashes within `crashwindow` that are one too many when exceeded. */
  readonly crashes: number;
  /** Milliseconds. */
  readonly crashwindow: number;
  /** Milliseconds of rest. */
  readonly rest: number;
}

/**
 * What those ends of a plugin's processes mean that no call explains: crashes while none was inside, and failures to open it again.
 * The first restart is immediate; a process that ends without having answered anything makes the next one wait. Past the limit the
 * plugin rests, and then one trial call decides.
 */
export class CrashRecord {
  private readonly limits: CrashLimits;
  private readonly now: () => number;
  private times: number[] = [];
  private fruitless = 0;
  private restsUntil = 0;
  private phase: 'serving' | 'resting' | 'trial' = 'serving';

  /** @param now the clock, in milliseconds */
  constructor(limits: CrashLimits, now: () => number = () => performance.now()) {
    this.limits = limits;
    this.now = now;
  }

  /** Crashes within the window. */
  get count(): number {
    return this.times.length;
  }

  get isServing(): boolean {
    return this.phase === 'serving';
  }

  get isResting(): boolean {
    return this.phase === 'resting';
  }

  /** Milliseconds of rest left. */
  get restLeft(): number {
    return this.phase === 'resting' ? Math.max(0, this.restsUntil - this.now()) : 0;
  }

  /**
   * Notes the end of a process that no call explains.
   * @param answered whether that process had answered any call
   * @param isOwn whether the plugin has caused it; one that was killed from elsewhere only makes the next one wait
   */
  crashed(answered: boolean, isOwn = true): void {
    this.fruitless = answered ? 1 : this.fruitless + 1;
    if (!isOwn) return;
    const now = this.now();
    this.times = this.times.filter((time) => now - time < this.limits.crashwindow);
    this.times.push(now);
    if (this.times.length > this.limits.crashes) this.rest();
    else this.failed();
  }

  /** A process has ended, by a call or otherwise: if one was to try how the plugin is, it has failed. */
  failed(): void {
    if (this.phase !== 'serving') this.rest();
  }

  private rest(): void {
    this.phase = 'resting';
    this.restsUntil = this.now() + this.limits.rest;
  }

  /** Milliseconds to wait before the next restart. */
  get delay(): number {
    return this.fruitless <= 1 ? 0 : Math.min(LAST_DELAY, FIRST_DELAY * 2 ** (this.fruitless - 2));
  }

  /** The rest is over: one call may try. */
  beginTrial(): void {
    this.phase = 'trial';
  }

  /** A call was answered. */
  answered(): void {
    if (this.phase !== 'trial') return;
    this.phase = 'serving';
    this.times = [];
    this.fruitless = 0;
  }
}
