import path from 'node:path';
import { DlserveError, messageOf } from '../../ground/errors';
import type { Call, Plugin, PluginSource } from '../../contract/runtime';
import { frameBound } from './batch';
import { Conditions } from './conditions';
import { CrashRecord } from './crashes';
import { lossError, openError, type Death } from './deaths';
import { leastBusy } from './least-busy';
import { PluginLog } from './plugin-log';
import { MAX_FRAME } from './protocol';
import { Runner, type RunnerOwner } from './runner';

/** Milliseconds between two looks at runners that have calls, and after how many without progress one is given up. */
const WATCH = 250;
const STALLED = 4;

/** Milliseconds from SIGTERM to SIGKILL. */
const TERMINATE_GRACE = 500;

interface Opening {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** One library in `workers` runners, and what happens when they crash. */
export class IsolatedPlugin implements Plugin, RunnerOwner {
  capacity = 0;
  private readonly executable: string;
  private readonly source: PluginSource;
  private readonly openLimit: number;
  private readonly library: string;
  private readonly crashes: CrashRecord;
  /** Those that take calls, or soon will. */
  private runners: Runner[] = [];
  /** Those that only finish what they have. */
  private readonly leaving = new Set<Runner>();
  private queue: Call[] = [];
  private opening: Opening | null = null;
  private restart: NodeJS.Timeout | null = null;
  private watch: NodeJS.Timeout | null = null;
  private phase: 'open' | 'draining' | 'closed' = 'open';
  private readonly conditions = new Conditions();
  private closed: Promise<void> | null = null;
  private readonly log: PluginLog;

  /**
   * @param executable the runner
   * @param openLimit milliseconds that loading and PluginInit may take
   */
  constructor(executable: string, source: PluginSource, openLimit: number) {
    this.executable = executable;
    this.source = source;
    this.openLimit = openLimit;
    this.library = path.basename(source.path);
    this.crashes = new CrashRecord(source.settings);
    this.log = new PluginLog(source);
  }

  /** @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED or INIT_FAILED */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.opening = { resolve, reject };
      this.startMissing();
    });
  }

  get outstanding(): number {
    let count = this.queue.length;
    for (const runner of this.runners) count += runner.calls.size;
    for (const runner of this.leaving) count += runner.calls.size;
    return count;
  }

  call(call: Call): void {
    if (this.phase !== 'open') {
      call.settle(new DlserveError('STOPPING'), null);
      return;
    }
    if (frameBound(call) > MAX_FRAME) {
      call.settle(new DlserveError('BODY_TOO_LARGE', { limit: MAX_FRAME }), null);
      return;
    }
    if (!this.crashes.isServing && !this.admit()) {
      call.settle(this.resting(), null);
      return;
    }
    if (this.watch === null) this.watch = setInterval(() => this.look(), WATCH);
    const runner = this.queue.length === 0 ? this.pick() : null;
    if (runner === null) this.queue.push(call);
    else runner.send(call);
  }

  withdraw(call: Call): boolean {
    const index = this.queue.indexOf(call);
    if (index !== -1) this.queue.splice(index, 1);
    else if (!this.all().some((runner) => runner.withdraw(call))) return false;
    this.conditions.changed();
    return true;
  }

  expire(call: Call): void {
    if (!this.withdraw(call)) this.all().some((runner) => runner.expire(call));
  }

  /** After a rest, one call at a time may try whether the plugin is well. */
  private admit(): boolean {
    if (this.crashes.restLeft > 0 || this.outstanding > 0) return false;
    if (this.crashes.isResting) {
      this.crashes.beginTrial();
      this.startMissing();
    }
    // Its process may not have started.
    return !this.crashes.isResting;
  }

  private resting(): DlserveError {
    const seconds = Math.max(1, Math.ceil(this.crashes.restLeft / 1000));
    const details = { library: this.library, crashes: this.crashes.count };
    return new DlserveError('PLUGIN_RESTING', details, { headers: { 'Retry-After': String(seconds) } });
  }

  private pick(): Runner | null {
    return leastBusy(this.runners, this.source.settings.workers === 1);
  }

  private pump(): void {
    while (this.queue.length > 0) {
      const runner = this.pick();
      if (runner === null) return;
      runner.send(this.queue.shift()!);
    }
  }

  // Runners come and go

  private startMissing(): void {
    this.restart = null;
    const wanted = this.crashes.isServing ? this.source.settings.workers : 1;
    if (this.runners.length < wanted) this.log.restarts();
    while (this.runners.length < wanted) if (!this.start()) return;
  }

  private start(): boolean {
    try {
      this.runners.push(new Runner(this.executable, this.source, this.openLimit, this));
      return true;
    } catch (cause) {
      const reason = `its process did not start: ${messageOf(cause)}`;
      const error = new DlserveError('LOAD_FAILED', { library: this.library, reason }, { cause });
      if (this.opening !== null) {
        this.giveUpOpening(error);
      } else {
        this.source.log.error({ plugin: this.source.name, err: cause }, reason);
        this.noteCrash(false);
      }
      return false;
    }
  }

  private giveUpOpening(error: DlserveError): void {
    const opening = this.opening;
    this.opening = null;
    this.phase = 'closed';
    for (const runner of this.runners) runner.kill('close');
    opening?.reject(error);
  }

  opened(runner: Runner): void {
    if (this.opening !== null) {
      if (this.runners.some((other) => other.state !== 'ready')) return;
      this.capacity = runner.concurrency * this.source.settings.workers;
      this.log.opened();
      this.opening.resolve();
      this.opening = null;
    }
    if (this.phase === 'closed') runner.stop();
    else this.pump();
  }

  replied(runner: Runner): void {
    if (!this.crashes.isServing && runner.served > 0) {
      this.crashes.answered();
      this.startMissing();
    }
    if (this.queue.length > 0) this.pump();
    this.conditions.changed();
  }

  retired(runner: Runner, waiting: readonly Call[]): void {
    this.runners = this.runners.filter((other) => other !== runner);
    this.leaving.add(runner);
    this.queue = [...waiting, ...this.queue];
    // Where it ends at once, the next one starts after its end, so that they don't meet.
    if (!runner.isEnding) this.restartSoon();
    this.pump();
  }

  died(runner: Runner, death: Death): void {
    this.runners = this.runners.filter((other) => other !== runner);
    this.leaving.delete(runner);
    if (this.opening !== null) {
      this.giveUpOpening(openError(death, this.source, this.openLimit));
      return;
    }
    this.queue = [...death.waiting, ...this.queue];
    if (!death.stopped) this.log.death(death);
    for (const call of death.executing) call.settle(lossError(call, death, this.source), null);
    if (this.phase === 'closed') this.refuseQueue(() => new DlserveError('STOPPING'));
    else this.judge(runner, death);
    this.conditions.changed();
  }

  /** A deadline's or a stall's victim is replaced at once and counts as no crash: its pace is that of the deadlines. */
  private judge(runner: Runner, death: Death): void {
    if (death.ending === 'deadline' || death.ending === 'stall') {
      this.crashes.failed();
      if (!this.crashes.isResting) this.restartSoon();
      else this.rest();
      return;
    }
    this.noteCrash(runner.served > 0);
  }

  private noteCrash(answered: boolean): void {
    this.crashes.crashed(answered);
    if (this.crashes.isResting) this.rest();
    else this.restartSoon();
  }

  private rest(): void {
    this.log.rests(this.crashes.count);
    this.refuseQueue(() => this.resting());
  }

  private refuseQueue(error: () => DlserveError): void {
    const refused = this.queue;
    this.queue = [];
    for (const call of refused) call.settle(error(), null);
  }

  private restartSoon(): void {
    if (this.restart !== null || this.phase === 'closed') return;
    if (this.phase === 'draining' && this.outstanding === 0) return;
    const delay = this.crashes.delay;
    if (delay === 0) this.startMissing();
    else this.restart = setTimeout(() => this.startMissing(), delay).unref();
  }

  /** Runs while there are calls, and keeps the process alive for them. */
  private look(): void {
    if (this.outstanding === 0) {
      clearInterval(this.watch!);
      this.watch = null;
      return;
    }
    for (const runner of this.all()) if (runner.checkStall() >= STALLED) runner.kill('stall');
  }

  // The end

  close(limit: number): Promise<void> {
    this.closed ??= this.stop(limit);
    return this.closed;
  }

  private async stop(limit: number): Promise<void> {
    const end = performance.now() + limit;
    this.phase = 'draining';
    await this.conditions.until(() => this.outstanding === 0, end);
    this.phase = 'closed';
    if (this.restart !== null) clearTimeout(this.restart);
    this.refuseQueue(() => new DlserveError('STOPPING'));
    for (const runner of this.all()) {
      if (runner.state === 'ready') runner.stop();
      // One that still opens its library is stopped after that.
      else if (runner.state !== 'opening') runner.kill('close');
    }
    if (!(await this.conditions.until(() => this.isEmpty, end))) {
      for (const runner of this.all()) runner.terminate();
      if (!(await this.conditions.until(() => this.isEmpty, performance.now() + TERMINATE_GRACE))) {
        for (const runner of this.all()) runner.kill('close');
        await this.conditions.until(() => this.isEmpty, Infinity);
      }
    }
    if (this.watch !== null) clearInterval(this.watch);
    this.watch = null;
  }

  private all(): Runner[] {
    return [...this.runners, ...this.leaving];
  }

  private get isEmpty(): boolean {
    return this.runners.length === 0 && this.leaving.size === 0;
  }
}
