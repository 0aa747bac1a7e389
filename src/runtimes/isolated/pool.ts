import path from 'node:path';
import { DlserveError, messageOf } from '../../ground/errors';
import type { Call, Plugin, PluginSource } from '../../contract/runtime';
import { CrashRecord } from './crashes';
import { describeDeath, openError } from './deaths';
import { fileIdentity, libraryFile, type LibraryFile } from './library-file';
import { Runner, type Death, type RunnerOwner } from './runner';

/** Calls that one runner has at most, when it is the only one. */
const DEEP = 1024;
/** With several runners, each gets the calls of about this many microseconds beyond those that it can execute at once. */
const AHEAD = 500;
const MOST_AHEAD = 64;

/** Milliseconds between two looks at runners that have calls, and after how many without progress one is given up. */
const WATCH = 250;
const STALLED = 4;

/** Milliseconds from SIGTERM to SIGKILL. */
const TERMINATE_GRACE = 500;

interface Opening {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Waiter {
  readonly condition: () => boolean;
  readonly done: () => void;
}

/** One library in `workers` runners, and what happens when they crash. */
export class IsolatedPlugin implements Plugin, RunnerOwner {
  capacity = 0;
  private readonly executable: string;
  private readonly source: PluginSource;
  private readonly openLimit: number;
  private readonly library: string;
  private readonly crashes: CrashRecord;
  private readonly limits = new Map<Runner, NodeJS.Timeout>();
  /** Those that take calls, or soon will. */
  private runners: Runner[] = [];
  /** Those that only finish what they have. */
  private readonly leaving = new Set<Runner>();
  private queue: Call[] = [];
  private opening: Opening | null = null;
  private restart: NodeJS.Timeout | null = null;
  private watch: NodeJS.Timeout | null = null;
  private phase: 'open' | 'draining' | 'closed' = 'open';
  private waiters: Waiter[] = [];
  private closed: Promise<void> | null = null;
  private file: Promise<LibraryFile> | null = null;

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
    if (!this.crashes.isServing && !this.admit()) {
      call.settle(this.resting(), null);
      return;
    }
    if (this.watch === null) this.watch = setInterval(() => this.look(), WATCH);
    const runner = this.queue.length === 0 ? this.pick() : null;
    if (runner === null) this.queue.push(call);
    else runner.send(call);
  }

  expire(call: Call): void {
    const index = this.queue.indexOf(call);
    if (index !== -1) {
      this.queue.splice(index, 1);
      this.changed();
      return;
    }
    for (const runner of [...this.runners, ...this.leaving]) if (runner.expire(call)) return;
  }

  /** After a rest, one call at a time may try whether the plugin is well. */
  private admit(): boolean {
    if (this.crashes.restLeft > 0 || this.outstanding > 0) return false;
    if (this.crashes.isResting) {
      this.crashes.beginTrial();
      this.startMissing();
    }
    return true;
  }

  private resting(): DlserveError {
    const seconds = Math.max(1, Math.ceil(this.crashes.restLeft / 1000));
    const details = { library: this.library, crashes: this.crashes.count };
    return new DlserveError('PLUGIN_RESTING', details, { headers: { 'Retry-After': String(seconds) } });
  }

  /** The least busy runner that has room. */
  private pick(): Runner | null {
    let best: Runner | null = null;
    for (const runner of this.runners) {
      if (runner.hasRoom(this.window(runner)) && (best === null || runner.calls.size < best.calls.size)) best = runner;
    }
    return best;
  }

  /** How many calls a runner may have: enough that it never waits for the host, and no more where others could take them. */
  private window(runner: Runner): number {
    if (this.source.settings.workers === 1) return Math.max(DEEP, 2 * runner.concurrency);
    return runner.concurrency + Math.min(MOST_AHEAD, Math.floor(AHEAD / Math.max(1, runner.typical)) * runner.concurrency);
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
    this.warnOfChange();
    const wanted = this.crashes.isServing ? this.source.settings.workers : 1;
    while (this.runners.length < wanted) if (!this.start()) return;
  }

  private start(): boolean {
    try {
      const runner = new Runner(this.executable, this.source, this);
      this.runners.push(runner);
      const limit = setTimeout(() => runner.kill('limit'), this.openLimit);
      if (this.opening === null) limit.unref();
      this.limits.set(runner, limit);
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
    this.endOpenLimit(runner);
    if (this.opening !== null) {
      if (this.runners.some((other) => other.state !== 'ready')) return;
      this.capacity = runner.concurrency * this.source.settings.workers;
      this.file = libraryFile(this.source.path);
      this.opening.resolve();
      this.opening = null;
    }
    this.pump();
  }

  private endOpenLimit(runner: Runner): void {
    clearTimeout(this.limits.get(runner));
    this.limits.delete(runner);
  }

  replied(runner: Runner): void {
    if (!this.crashes.isServing && runner.served > 0) {
      this.crashes.answered();
      this.startMissing();
    }
    if (this.queue.length > 0) this.pump();
    if (this.waiters.length > 0) this.changed();
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
    this.endOpenLimit(runner);
    this.runners = this.runners.filter((other) => other !== runner);
    this.leaving.delete(runner);
    if (this.opening !== null) {
      this.giveUpOpening(openError(death, this.source, this.openLimit));
      return;
    }
    this.queue = [...death.waiting, ...this.queue];
    if (!death.stopped && this.file !== null) void this.log(runner.pid, death);
    for (const call of death.executing) call.settle(this.lossOf(call, death), null);
    if (this.phase === 'closed') this.refuseQueue(() => new DlserveError('STOPPING'));
    else this.judge(runner, death);
    this.changed();
  }

  private lossOf(call: Call, death: Death): DlserveError {
    if (death.ending === 'close') return new DlserveError('STOPPING');
    const details = { library: this.library, symbol: this.source.symbols[call.symbol]!, reason: death.reason };
    return new DlserveError('PLUGIN_CRASHED', details);
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
    const { crashes, source } = this;
    source.log.error({ plugin: source.name, crashes: crashes.count, rest: source.settings.rest }, `${this.library} rests`);
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

  /** A plugin is loaded once and kept, but a new process can only load what is there now. */
  private warnOfChange(): void {
    const before = this.file;
    if (before === null) return;
    const { path: file, name, log } = this.source;
    void Promise.all([before, fileIdentity(file).catch(messageOf)]).then(([known, identity]) => {
      if (known.identity === identity || known.identity === '') return;
      log.warn({ plugin: name, file }, 'the library has changed since it was opened: its new process runs the changed one');
      this.file = libraryFile(file);
    });
  }

  private async log(pid: number, death: Death): Promise<void> {
    const { name, symbols, log } = this.source;
    const calls = [...death.executing, ...death.expired];
    const { sha256 } = await this.file!;
    const fields = {
      plugin: name,
      handlers: calls.map((call) => symbols[call.symbol]),
      requests: calls.map((call) => call.id),
      signal: death.signal,
      status: death.status,
      pid,
      sha256,
    };
    log[death.ending === null || death.ending === 'fault' ? 'error' : 'warn'](fields, `${this.library} ${describeDeath(death)}`);
  }

  /** Runs while there are calls, and keeps the process alive for them. */
  private look(): void {
    if (this.outstanding === 0) {
      clearInterval(this.watch!);
      this.watch = null;
      return;
    }
    for (const runner of [...this.runners, ...this.leaving]) if (runner.checkStall() >= STALLED) runner.kill('stall');
  }

  // The end

  close(limit: number): Promise<void> {
    this.closed ??= this.stop(limit);
    return this.closed;
  }

  private async stop(limit: number): Promise<void> {
    const end = performance.now() + limit;
    this.phase = 'draining';
    await this.until(() => this.outstanding === 0, end);
    this.phase = 'closed';
    if (this.restart !== null) clearTimeout(this.restart);
    this.refuseQueue(() => new DlserveError('STOPPING'));
    for (const runner of this.all()) {
      if (runner.state === 'ready') runner.stop();
      else runner.kill('close');
    }
    if (!(await this.until(() => this.isEmpty, end))) {
      for (const runner of this.all()) runner.terminate();
      if (!(await this.until(() => this.isEmpty, performance.now() + TERMINATE_GRACE))) {
        for (const runner of this.all()) runner.kill('close');
        await this.until(() => this.isEmpty, Infinity);
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

  /** Resolves when the condition holds, or with false when the time of performance.now() has come. */
  private until(condition: () => boolean, end: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const left = Math.min(Math.max(0, end - performance.now()), 2 ** 31 - 1);
      const timer = setTimeout(() => finish(false), left);
      const waiter = { condition, done: () => finish(true) };
      const finish = (held: boolean): void => {
        clearTimeout(timer);
        this.waiters = this.waiters.filter((other) => other !== waiter);
        resolve(held);
      };
      this.waiters.push(waiter);
    });
  }

  private changed(): void {
    for (const waiter of [...this.waiters]) if (waiter.condition()) waiter.done();
  }
}
