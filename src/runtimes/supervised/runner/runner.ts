import type { DlserveError } from '../../../ground/errors';
import type { Exchange } from '../../../plugin/exchange';
import { MAX_REPLY, MAX_REPLY_HEADERS } from '../../../plugin/reply';
import { ANY_CONCURRENCY, type PluginSource } from '../../../plugin/runtime';
import type { SupervisedKeys } from '../keys';
import { PluginProcess, type Exit, type ProcessOwner, type Program } from '../process';
import type { Ending, Worker, WorkerOwner } from '../worker';
import { Batch } from './batch';
import { FrameReader, type FrameOwner } from './frames';
import { LargeBodies } from './large-bodies';
import { Ledger } from './ledger';
import { openError } from './opening';
import {
  CALLS_FD, FAILED_HEADER, Message, Outcome, ProtocolError, REPLIES_FD, Stage, checkHello, helloFrame, openFrame, partLength,
  readFailed, readOpened, replyId, stopFrame, type Failure,
} from './protocol';
import { readReply, refuse } from './replies';
import { Shared } from './shared';

/** Milliseconds until a reply that is on its way must have been read. */
const REPLY_GRACE = 5;
/** Request bytes on their way to one runner, above which it gets no further call. */
const MOST_BYTES = 4 * 1024 * 1024;

/** One process with one library in it. */
export class Runner implements Worker, ProcessOwner, FrameOwner {
  concurrency = 0;
  state: Worker['state'] = 'opening';
  served = 0;
  typical = 1000;
  private readonly calls = new Ledger();
  private readonly source: PluginSource<SupervisedKeys>;
  private readonly owner: WorkerOwner;
  private readonly shared: Shared;
  private readonly process: PluginProcess;
  private readonly openLimit: number;
  private readonly openTimer: NodeJS.Timeout;
  private readonly batch: Batch;
  private readonly frames = new FrameReader(this);
  private readonly large = new LargeBodies();
  /** Calls that were being taken when they were withdrawn. */
  private readonly withdrawn = new WeakSet<Exchange>();
  private replies = 0;
  private greeted = false;
  private stopAsked = false;
  private stopped = false;
  private failure: Failure | null = null;
  private ending: Ending | null = null;
  private faulty = false;
  private idleChecks = 0;
  private progressSeen = '';

  /**
   * Starts the process and asks it to open the library.
   * @param executable the runner
   * @param openLimit milliseconds that loading and PluginInit may take
   * @throws what spawn or the file system throws
   */
  constructor(executable: string, source: PluginSource<SupervisedKeys>, openLimit: number, owner: WorkerOwner) {
    this.source = source;
    this.openLimit = openLimit;
    this.owner = owner;
    const opening = Buffer.concat([helloFrame(), this.openFrame()]);
    this.shared = new Shared();
    try {
      this.process = new PluginProcess(programOf(executable, this.shared.fd, source), source, this);
    } catch (error) {
      this.shared.close();
      throw error;
    }
    this.batch = new Batch(this.process.input);
    this.batch.write(opening);
    this.openTimer = setTimeout(() => this.kill('limit'), openLimit);
  }

  private openFrame(): Buffer {
    const { settings } = this.source;
    return openFrame({
      path: this.source.file.path,
      config: JSON.stringify(settings.config),
      symbols: this.source.handlers.symbols,
      concurrency: settings.concurrency === 0 ? ANY_CONCURRENCY : (settings.concurrency ?? 0),
      any: ANY_CONCURRENCY,
      memory: settings.own.memory,
      largestReply: MAX_REPLY,
      mostHeaders: MAX_REPLY_HEADERS,
    });
  }

  get pid(): number | null {
    return this.process.pid;
  }

  get load(): number {
    return this.calls.size;
  }

  hasRoom(window: number): boolean {
    return this.state === 'ready' && this.calls.unanswered < window && this.calls.bytes < MOST_BYTES;
  }

  /** Sends a call, together with others of this turn of the event loop unless it is the only one. */
  send(exchange: Exchange): void {
    const alone = this.calls.size === 0;
    this.batch.add(this.calls.add(exchange), exchange, alone);
  }

  /** @internal */
  receive(chunk: Buffer): void {
    if (this.faulty) return;
    try {
      this.frames.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.faulty = true;
      this.source.log.error({ plugin: this.source.name, pid: this.process.pid }, `the runner sent ${error.message}`);
      this.kill('fault');
    }
    if (this.state === 'retired') this.endWhenOnlyHung();
    this.owner.replied(this);
  }

  /** @internal */
  frame(buffer: Buffer, start: number, end: number): void {
    const message = buffer[start + 4];
    if (message === Message.REPLY && this.concurrency > 0) {
      this.reply(buffer, start, end);
    } else if (!this.greeted && message === Message.HELLO) {
      checkHello(buffer, start, end);
      this.greeted = true;
    } else if (this.greeted && this.concurrency === 0 && message === Message.OPENED) {
      this.concurrency = readOpened(buffer, start, end);
      clearTimeout(this.openTimer);
      if (this.state !== 'opening') return;
      this.state = 'ready';
      this.owner.opened(this);
    } else if (this.greeted && this.concurrency === 0 && message === Message.FAILED && end - start >= FAILED_HEADER) {
      this.failure = readFailed(buffer, start, end);
    } else if (message === Message.STOPPED && this.stopAsked) {
      this.stopped = true;
    } else {
      throw new ProtocolError(`message ${message} out of order`);
    }
  }

  /** @internal */
  part(buffer: Buffer, start: number): void {
    const id = replyId(buffer, start);
    if (!this.calls.isOpen(id)) throw new ProtocolError(`a part of a reply to call ${id}, which is not open`);
    this.large.begin(id, partLength(buffer, start), this.calls.isAwaited(id));
  }

  /** @internal */
  bytes(buffer: Buffer, start: number, end: number): void {
    this.large.append(buffer, start, end);
  }

  private reply(buffer: Buffer, start: number, end: number): void {
    const reply = readReply(buffer, start, end, this.large);
    const id = replyId(buffer, start);
    this.replies++;
    const call = this.calls.settle(id);
    if (call === null) return;
    if (call === undefined) throw new ProtocolError(`a reply to call ${id}, which is not open`);
    if (reply.raw === null) {
      if (reply.outcome === Outcome.SKIPPED && this.withdrawn.has(call)) call.drop();
      else refuse(reply, call);
    } else {
      this.served++;
      this.typical += (reply.microseconds - this.typical) / 8;
      call.reply(reply.raw);
    }
  }

  withdraw(exchange: Exchange): boolean {
    const id = this.calls.find(exchange);
    if (id === 0 || id <= this.shared.progress().begun) return false;
    this.shared.cancel(id);
    if (id > this.shared.progress().begun) {
      this.calls.cancel(id);
      return true;
    }
    // It was taken meanwhile, and may have been skipped or not: its reply says which.
    this.withdrawn.add(exchange);
    return false;
  }

  expire(exchange: Exchange): boolean {
    const id = this.calls.find(exchange);
    if (id === 0) return false;
    this.calls.markOverdue(id);
    // It may have been answered, or skipped, at this very moment.
    setTimeout(() => this.retireIfHung(id), REPLY_GRACE);
    return true;
  }

  /** @param committed what was given at the first look: if the reply is not among that, the call still runs */
  private retireIfHung(id: number, committed = this.shared.progress().committed): void {
    if (!this.calls.has(id)) return;
    if (this.state === 'retired') this.endWhenOnlyHung();
    if (this.state !== 'ready') return;
    if (committed > this.frames.fromRing) {
      setTimeout(() => this.retireIfHung(id, committed), REPLY_GRACE);
      return;
    }
    this.shared.halt();
    this.state = 'retired';
    const waiting = this.calls.takeWaiting(this.shared.progress().begun);
    this.endWhenOnlyHung();
    this.owner.retired(this, waiting);
    setTimeout(() => this.checkRetired(), REPLY_GRACE);
  }

  /** A call that was just being taken when the runner was told to take no more is not: that shows a little later. */
  private checkRetired(): void {
    if (this.state !== 'retired') return;
    const waiting = this.calls.takeWaiting(this.shared.progress().begun);
    this.endWhenOnlyHung();
    if (waiting.length > 0) this.owner.retired(this, waiting);
  }

  get isEnding(): boolean {
    return this.ending !== null;
  }

  private endWhenOnlyHung(): void {
    if (this.calls.isAllOverdue) this.kill('deadline');
  }

  checkStall(): number {
    this.checkRetired();
    if (this.state !== 'ready' || this.calls.size === 0) return (this.idleChecks = 0);
    const { begun, taken, committed } = this.shared.progress();
    const seen = `${begun} ${taken} ${committed} ${this.frames.received}`;
    const executing = begun > this.replies && committed === this.frames.fromRing;
    this.idleChecks = executing || seen !== this.progressSeen ? 0 : this.idleChecks + 1;
    this.progressSeen = seen;
    return this.idleChecks;
  }

  stop(): void {
    if (this.state !== 'ready') return;
    this.state = 'stopping';
    this.stopAsked = true;
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
  lost(): void {
    this.state = 'ending';
  }

  /** What it had finished but not sent is in the shared file. @internal */
  ended(exit: Exit): void {
    clearTimeout(this.openTimer);
    const { begun, committed, stage } = this.shared.progress();
    // What has come of a frame in part is in the ring still, from its beginning; the end of a PART is lost.
    this.frames.forgetPartial();
    const unsent = this.shared.unsent(this.frames.fromRing, committed);
    if (unsent.length > 0) this.receive(unsent);
    this.state = 'dead';
    this.shared.close();
    // A value that can't be was written by a dying plugin: then nothing that was sent is sent again.
    const waiting = begun <= this.calls.lastId && begun >= this.replies ? this.calls.takeWaiting(begun) : [];
    const left = this.calls.left();
    this.owner.died(this, {
      pid: this.process.pid,
      exit,
      ending: this.ending,
      stopped: this.stopped && exit.status === 0,
      refusal: this.concurrency === 0 ? this.refusal(stage, exit) : null,
      place: placeOf(stage, left.executing.length + left.expired.length),
      ...left,
      waiting,
    });
  }

  private refusal(stage: number, exit: Exit): DlserveError {
    const limit = this.ending === 'limit' ? this.openLimit : null;
    return openError({ library: this.source.file.base, stage, failure: this.failure, exit, limit });
  }
}

function programOf(executable: string, shared: number, source: PluginSource): Program {
  return {
    executable,
    args: [source.file.base, String(process.pid)],
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', shared],
    input: CALLS_FD,
    output: REPLIES_FD,
  };
}

function placeOf(stage: number, calls: number): string {
  if (stage < Stage.SERVE) return ', while it opened the library';
  if (stage === Stage.STOP) return ', in PluginStop';
  return calls === 0 ? ', while no handler was running' : '';
}
