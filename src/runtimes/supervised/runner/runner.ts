import { DlserveError } from '../../../ground/errors';
import type { Exchange } from '../../../plugin/exchange';
import type { Declared } from '../../../plugin/route';
import type { PluginSource } from '../../../plugin/runtime';
import type { SupervisedKeys } from '../keys';
import { PluginProcess, type Exit, type ProcessOwner } from '../process';
import type { Ending, Worker, WorkerOwner } from '../worker';
import { Area } from './area';
import { Batch } from './batch';
import { Control } from './control';
import { Conversation, type Listener } from './conversation';
import { deathOf } from './death';
import { Hangs, type Hangable } from './hangs';
import { opening, programOf } from './launch';
import { Ledger } from './ledger';
import { LoneCall, type AwaitEvent } from './lone-call';
import { Progress } from './progress';
import { ProtocolError, stopFrame } from './protocol';
import { RunnerLog } from './runner-log';
import { Shared } from './shared';
import { Talks } from './talks';
import { Whereabouts } from './whereabouts';
import { Withdrawals } from './withdrawals';

/** Request bytes on their way to one runner, above which it gets no further call. */
const MOST_BYTES = 4 * 1024 * 1024;

/** One process with one library in it. */
export class Runner implements Worker, ProcessOwner, Listener, Hangable {
  state: Worker['state'] = 'opening';
  private readonly calls = new Ledger();
  private readonly talks: Talks;
  private readonly conversation: Conversation;
  private readonly withdrawals: Withdrawals;
  private readonly hangs: Hangs;
  private readonly source: PluginSource<SupervisedKeys>;
  private readonly owner: WorkerOwner;
  private readonly shared: Shared;
  /** null: large bodies go through the sockets. */
  private readonly area = Area.open();
  private readonly progress: Progress;
  private readonly process: PluginProcess;
  private readonly openLimit: number;
  private readonly openTimer: NodeJS.Timeout;
  private readonly batch: Batch;
  private readonly log: RunnerLog;
  private readonly whereabouts: Whereabouts;
  private ending: Ending | null = null;
  private faulty = false;
  private threads = Infinity;
  private readonly started = performance.now();

  /**
   * Starts the process and asks it to open the library.
   * @param executable the runner
   * @param openLimit milliseconds that loading and PluginInit may take
   * @param awaitEvent undefined where nothing is to be waited for actively
   * @throws what spawn or the file system throws
   */
  constructor(executable: string, source: PluginSource<SupervisedKeys>, openLimit: number, owner: WorkerOwner, awaitEvent?: AwaitEvent) {
    this.source = source;
    this.openLimit = openLimit;
    this.owner = owner;
    const first = opening(source);
    try {
      this.shared = new Shared();
    } catch (error) {
      this.area?.close();
      throw error;
    }
    try {
      this.process = new PluginProcess(programOf(executable, this.shared.fd, this.area?.descriptor ?? null, source), source, this);
    } catch (error) {
      this.shared.close();
      this.area?.close();
      throw error;
    }
    this.talks = new Talks(this.calls, source, new Control(this.process.control), () => this.progress.look().begun);
    this.conversation = new Conversation(this.calls, this.talks, source.handlers.symbols.length, this, owner, this.area);
    this.batch = new Batch(this.process.input, this.area, awaitEvent && new LoneCall(awaitEvent));
    this.batch.write(first);
    this.progress = new Progress(this.shared, this.calls, this.conversation, this.batch);
    this.withdrawals = new Withdrawals(this, this.calls, this.conversation, this.shared, this.talks);
    this.hangs = new Hangs(this, this.calls, this.talks, source.settings.timeout);
    this.log = new RunnerLog(source, this.process.pid);
    this.whereabouts = new Whereabouts(this.shared, this.process);
    // Where the event loop is late, what has come in time is read first.
    this.openTimer = setTimeout(() => setImmediate(() => this.state === 'opening' && this.kill('limit')), openLimit);
  }

  get pid(): number | null {
    return this.process.pid;
  }

  /** As many as the library lets in, or fewer where the system gives it no more threads. */
  get concurrency(): number {
    return Math.min(this.conversation.concurrency, this.threads);
  }

  get load(): number {
    return this.calls.size;
  }

  get kept(): number {
    return this.calls.keptSize;
  }

  get served(): number {
    return this.conversation.served;
  }

  get given(): number {
    return this.calls.lastId;
  }

  get typical(): number {
    return this.conversation.typical;
  }

  get isEnding(): boolean {
    return this.ending !== null;
  }

  hasRoom(window: number): boolean {
    return this.state === 'ready' && this.calls.unanswered < window && this.calls.bytes < MOST_BYTES;
  }

  /** Sends a call, together with others of this turn of the event loop unless it is the only one. */
  send(exchange: Exchange): void {
    try {
      const id = this.calls.lastId + 1;
      const isShort = this.batch.add(id, exchange, this.calls.size === 0);
      this.calls.add(exchange, isShort);
    } catch (cause) {
      this.owner.dropped(exchange);
      exchange.fail(new DlserveError('OUT_OF_MEMORY', { what: 'the request' }, { cause }));
    }
  }

  // What it says.

  /** @internal */
  receive(chunk: Buffer): void {
    if (this.faulty) return;
    this.heed(() => this.conversation.frames.push(chunk), undefined);
    this.hangs.answered();
    this.owner.replied(this);
  }

  /** @internal */
  opened(): void {
    clearTimeout(this.openTimer);
    if (this.state !== 'opening') return;
    this.state = 'ready';
    this.owner.opened(this);
  }

  /** @internal */
  lacksMemory(): void {
    this.log.lacksMemory();
  }

  /** @internal */
  endedBadly(words: string): void {
    this.log.endedBadly(words);
  }

  /** As the library says; see BodyMode. */
  get bodies(): Buffer {
    return this.conversation.bodies;
  }

  get declared(): Declared | undefined {
    return this.conversation.declared;
  }

  /** Does what may find that the runner breaks the protocol, or that there is no memory to read it: it is ended then. */
  private heed<T>(act: () => T, otherwise: T): T {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof RangeError)) throw error;
      const isFault = error instanceof ProtocolError;
      this.log.unreadable(error, isFault);
      this.faulty = true;
      this.kill(isFault ? 'fault' : 'memory');
      return otherwise;
    }
  }

  /** All of them, where it can't be told. @internal */
  get begun(): number {
    return this.heed(() => this.progress.look().begun, Infinity);
  }

  /** @internal */
  get committed(): number {
    return this.heed(() => this.progress.look().committed, 0);
  }

  /** @internal */
  get fromRing(): number {
    return this.conversation.frames.fromRing;
  }

  // Calls that nobody waits for.

  withdraw(exchange: Exchange): boolean {
    return this.withdrawals.withdraw(exchange);
  }

  reclaim(): Exchange[] {
    return this.state === 'ready' ? this.withdrawals.reclaim() : [];
  }

  begunAt(exchange: Exchange): number | undefined {
    const id = this.calls.find(exchange);
    return id === 0 || id > this.begun ? undefined : (this.shared.runningSince(id, this.conversation.concurrency) ?? Infinity);
  }

  expire(exchange: Exchange): boolean {
    const id = this.calls.find(exchange);
    if (id === 0) return false;
    this.withdrawals.leave(id);
    this.hangs.expire(id);
    return true;
  }

  /** @internal */
  halt(): void {
    this.progress.halt();
  }

  /** @internal */
  retired(waiting: readonly Exchange[]): void {
    this.owner.retired(this, waiting);
  }

  checkStall(): number {
    this.hangs.check();
    if (this.state !== 'ready' || this.calls.unanswered === 0) return this.progress.rest();
    return this.heed(() => {
      const idle = this.progress.checkStall();
      const { threads } = this.progress;
      this.threads = threads === 0 ? Infinity : threads;
      this.log.threads(this.threads, this.conversation.concurrency);
      return idle;
    }, 0);
  }

  // The end.

  stop(): void {
    if (this.state !== 'ready') return;
    this.state = 'stopping';
    this.conversation.stopAsked = true;
    this.talks.leaveAll();
    this.batch.write(stopFrame());
  }

  terminate(): void {
    this.ending ??= 'close';
    this.process.terminate();
  }

  kill(ending: Ending): void {
    this.ending ??= ending;
    this.state = 'ending';
    this.process.kill();
  }

  /** @internal */
  endHung(id: number): void {
    if (this.isEnding) return;
    this.ending = 'timeout';
    this.state = 'ending';
    this.whereabouts.ask(id, () => this.process.kill());
  }

  /** @internal */
  lost(): void {
    this.state = 'ending';
  }

  /** What it had finished but not sent is in the shared file. @internal */
  ended(exit: Exit): void {
    clearTimeout(this.openTimer);
    this.hangs.end();
    this.whereabouts.end();
    const { begun, committed, stage } = this.progress.end();
    // What has come of a frame in part is in the ring still, from its beginning; the end of a PART is lost.
    this.conversation.frames.forgetPartial();
    const unsent = this.shared.unsent(this.fromRing, committed);
    if (unsent.length > 0) this.receive(unsent);
    this.talks.endAll();
    this.state = 'dead';
    const crash = this.shared.crash();
    this.shared.close();
    this.area?.close();
    const { source, calls, conversation, ending, openLimit } = this;
    const { pid, lines } = this.process;
    const age = performance.now() - this.started;
    this.owner.died(this, deathOf({ source, calls, conversation, ending, openLimit, pid, lines, age, exit, stage, begun, crash }));
  }
}
