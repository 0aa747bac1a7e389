import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import path from 'node:path';
import { ANY_CONCURRENCY, MAX_REPLY, type Call, type PluginSource } from '../../contract/runtime';
import { Batch } from './batch';
import { FrameReader } from './frames';
import { logLines } from './output';
import {
  CALLS_FD, FAILED_HEADER, Message, ProtocolError, REPLIES_FD, REPLY_HEADER, checkHello, helloFrame, openFrame, readFailed,
  readOpened, replyId, stopFrame, type Failure,
} from './protocol';
import { readReply, refusal } from './replies';
import { Shared } from './shared';

/** Why a runner was ended by the host. */
export type Ending = 'deadline' | 'stall' | 'fault' | 'limit' | 'close';

/** How a runner came to its end, and what became of its calls. */
export interface Death {
  /** Words for an error's message: a signal or an exit status. */
  readonly reason: string;
  readonly signal: NodeJS.Signals | null;
  /** Exit status. */
  readonly status: number | null;
  /** null: it ended by itself. */
  readonly ending: Ending | null;
  /** It was told to stop, and did. */
  readonly stopped: boolean;
  /** How far it had come, see Stage. */
  readonly stage: number;
  /** What it said when it could not open the library. */
  readonly failure: Failure | null;
  /** Calls that had begun and were not answered; those past their deadline are settled already. */
  readonly executing: readonly Call[];
  readonly expired: readonly Call[];
  /** Calls that had not begun, in order. */
  readonly waiting: readonly Call[];
}

/** Whoever keeps runners. */
export interface RunnerOwner {
  /** It is ready for calls. */
  opened(runner: Runner): void;
  /** Replies came, so there may be room for more calls. */
  replied(runner: Runner): void;
  /** It takes no more calls, because one in it hangs; `waiting` had not begun and never will here. */
  retired(runner: Runner, waiting: readonly Call[]): void;
  /** The last that is heard of it. */
  died(runner: Runner, death: Death): void;
}

/** The largest frame that a runner may send. */
const LARGEST_FRAME = MAX_REPLY + REPLY_HEADER;
/** Milliseconds that a runner has to end by itself after it hung up, and its sockets to be read after it ended. */
const HANGUP_GRACE = 100;
const DRAIN_GRACE = 200;
/** Milliseconds until a reply that is on its way must have been read. */
const REPLY_GRACE = 5;
/** Request bytes on their way to one runner, above which it gets no further call. */
const MOST_BYTES = 4 * 1024 * 1024;

/** One process with one library in it. */
export class Runner {
  /** Threads that can be inside the library. */
  concurrency = 0;
  state: 'opening' | 'ready' | 'retired' | 'stopping' | 'ending' | 'dead' = 'opening';
  /** Calls sent and not answered. */
  readonly calls = new Map<number, Call>();
  /** Calls that a handler has answered. */
  served = 0;
  /** Microseconds that a call typically spends in its handler. */
  typical = 1000;
  private readonly source: PluginSource;
  private readonly owner: RunnerOwner;
  private readonly shared: Shared;
  private readonly child: ChildProcess;
  private readonly toRunner: Socket;
  private readonly fromRunner: Socket;
  private readonly batch: Batch;
  private readonly frames: FrameReader;
  /** Calls past their deadline that have begun. */
  private readonly expired = new Set<Call>();
  /** Calls that will be skipped, but were not yet. */
  private readonly cancelled = new Set<number>();
  private bytes = 0;
  private replies = 0;
  private lastId = 0;
  private greeted = false;
  private stopAsked = false;
  private stopped = false;
  private failure: Failure | null = null;
  private ending: Ending | null = null;
  private faulty = false;
  private exit: { status: number | null; signal: NodeJS.Signals | null } | null = null;
  private hungUp = false;
  private idleChecks = 0;
  private progressSeen = '';

  /**
   * Starts the process and asks it to open the library.
   * @param executable the runner
   * @throws what spawn or the file system throws
   */
  constructor(executable: string, source: PluginSource, owner: RunnerOwner) {
    this.source = source;
    this.owner = owner;
    this.shared = new Shared();
    try {
      this.child = spawn(executable, [path.basename(source.path), String(process.pid)], {
        // A session of its own: all that the library starts can be ended as one group, and Ctrl-C is the host's affair.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', this.shared.fd],
      });
      // A spawn that failed says why in this event.
      this.child.on('error', (error) => this.source.log.error({ plugin: source.name, err: error }, 'the runner did not start'));
      if (this.child.pid === undefined) throw new Error('the runner did not start, see the log');
    } catch (error) {
      this.shared.close();
      throw error;
    }
    this.toRunner = this.child.stdio[CALLS_FD] as Socket;
    this.fromRunner = this.child.stdio[REPLIES_FD] as Socket;
    this.batch = new Batch(this.toRunner);
    this.frames = new FrameReader(LARGEST_FRAME, (buffer, start, end) => this.frame(buffer, start, end));
    this.listen();
    this.toRunner.write(Buffer.concat([helloFrame(), this.openFrame()]));
  }

  get pid(): number {
    return this.child.pid!;
  }

  private openFrame(): Buffer {
    const { settings } = this.source;
    return openFrame({
      path: this.source.path,
      config: JSON.stringify(settings.config),
      symbols: this.source.symbols,
      concurrency: settings.concurrency ?? 0,
      any: ANY_CONCURRENCY,
      memory: settings.memory,
      largestReply: MAX_REPLY,
    });
  }

  private listen(): void {
    const { child, toRunner, fromRunner } = this;
    const { name, log } = this.source;
    logLines(child.stdout!, log, 'info', { plugin: name, stream: 'stdout', pid: child.pid });
    logLines(child.stderr!, log, 'warn', { plugin: name, stream: 'stderr', pid: child.pid });
    toRunner.on('error', () => undefined);
    toRunner.resume();
    fromRunner.on('error', () => undefined);
    fromRunner.on('data', (chunk: Buffer) => this.receive(chunk));
    fromRunner.on('close', () => this.hangUp());
    child.on('exit', (status, signal) => this.exited(status, signal));
    // The owner's timers hold the event loop while there is something to wait for.
    child.unref();
    for (const socket of [child.stdout, child.stderr, toRunner, fromRunner]) (socket as Socket).unref();
  }

  /** Whether it can take a call now. `window`: how many it may have. */
  hasRoom(window: number): boolean {
    return this.state === 'ready' && this.calls.size + this.cancelled.size < window && this.bytes < MOST_BYTES;
  }

  /** Sends a call, together with others of this turn of the event loop unless it is the only one. */
  send(call: Call): void {
    const alone = this.calls.size === 0;
    const id = ++this.lastId;
    this.calls.set(id, call);
    this.bytes += size(call);
    this.batch.add(id, call, alone);
  }

  private receive(chunk: Buffer): void {
    if (this.faulty) return;
    try {
      this.frames.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.faulty = true;
      this.source.log.error({ plugin: this.source.name, pid: this.pid }, `the runner sent ${error.message}`);
      this.kill('fault');
    }
    if (this.state === 'retired') this.endWhenOnlyHung();
    this.owner.replied(this);
  }

  private frame(buffer: Buffer, start: number, end: number): void {
    const message = buffer[start + 4];
    if (message === Message.REPLY && this.concurrency > 0) {
      this.reply(buffer, start, end);
    } else if (!this.greeted && message === Message.HELLO) {
      checkHello(buffer, start, end);
      this.greeted = true;
    } else if (this.greeted && this.concurrency === 0 && message === Message.OPENED) {
      this.concurrency = readOpened(buffer, start, end);
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

  private reply(buffer: Buffer, start: number, end: number): void {
    const reply = readReply(buffer, start, end);
    const id = replyId(buffer, start);
    this.replies++;
    const call = this.calls.get(id);
    if (call === undefined && this.cancelled.delete(id)) return;
    if (call === undefined) throw new ProtocolError(`a reply to call ${id}, which is not open`);
    this.forget(id, call);
    if (this.expired.size > 0) this.expired.delete(call);
    if (reply.raw === null) {
      call.settle(refusal(reply, this.source, call), null);
    } else {
      this.served++;
      this.typical += (reply.microseconds - this.typical) / 8;
      call.settle(null, reply.raw);
    }
  }

  /**
   * Nobody waits for the call any more. If it has not begun, it never will. If it has, this runner takes no more calls, and
   * is ended when nothing but such calls is left in it.
   * @returns whether the call is here
   */
  expire(call: Call): boolean {
    for (const [id, sent] of this.calls) {
      if (sent !== call) continue;
      this.shared.cancel(id);
      if (id > this.shared.progress().begun) {
        this.forget(id, call);
        this.cancelled.add(id);
      } else {
        this.expired.add(call);
        // It may have been answered, or skipped, at this very moment.
        setTimeout(() => this.retireIfHung(id), REPLY_GRACE);
      }
      return true;
    }
    return false;
  }

  private forget(id: number, call: Call): void {
    this.calls.delete(id);
    this.bytes -= size(call);
  }

  private retireIfHung(id: number): void {
    if (!this.calls.has(id)) return;
    if (this.state === 'retired') this.endWhenOnlyHung();
    if (this.state !== 'ready') return;
    if (this.shared.progress().committed > this.frames.received) {
      setTimeout(() => this.retireIfHung(id), REPLY_GRACE);
      return;
    }
    this.shared.halt();
    this.state = 'retired';
    const waiting = this.takeWaiting(this.shared.progress().begun);
    this.endWhenOnlyHung();
    this.owner.retired(this, waiting);
  }

  /** Whether the host has decided to end it. */
  get isEnding(): boolean {
    return this.ending !== null;
  }

  private endWhenOnlyHung(): void {
    for (const call of this.calls.values()) if (!this.expired.has(call)) return;
    this.kill('deadline');
  }

  /** Takes away the calls that have not begun. */
  private takeWaiting(begun: number): Call[] {
    const waiting: Call[] = [];
    for (const [id, call] of this.calls) {
      if (id <= begun) continue;
      this.forget(id, call);
      waiting.push(call);
    }
    return waiting;
  }

  /**
   * To be called at regular times while calls are open.
   * @returns for how many times in a row nothing has happened although a call could have begun
   */
  checkStall(): number {
    if (this.state === 'retired') this.endWhenOnlyHung();
    if (this.state !== 'ready' || this.calls.size === 0) return (this.idleChecks = 0);
    const { begun, committed } = this.shared.progress();
    const seen = `${begun} ${committed} ${this.frames.received}`;
    const executing = begun > this.replies && committed === this.frames.received;
    this.idleChecks = executing || seen !== this.progressSeen ? 0 : this.idleChecks + 1;
    this.progressSeen = seen;
    return this.idleChecks;
  }

  /** Asks it to finish, to call PluginStop and to end. */
  stop(): void {
    if (this.state !== 'ready') return;
    this.state = 'stopping';
    this.stopAsked = true;
    this.batch.flush();
    if (this.toRunner.writable) this.toRunner.write(stopFrame());
  }

  /** Asks the process to end, past the protocol. */
  terminate(): void {
    this.ending ??= 'close';
    this.child.kill('SIGTERM');
  }

  /** Ends it, and all that it started. */
  kill(ending: Ending): void {
    this.ending ??= ending;
    this.state = 'ending';
    this.killGroup();
  }

  private killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }

  private hangUp(): void {
    this.hungUp = true;
    this.state = 'ending';
    if (this.exit !== null) this.finish();
    else setTimeout(() => this.killGroup(), HANGUP_GRACE);
  }

  private exited(status: number | null, signal: NodeJS.Signals | null): void {
    this.exit = { status, signal };
    this.state = 'ending';
    // What it forked must not outlive it.
    this.killGroup();
    if (this.hungUp) this.finish();
    else setTimeout(() => this.finish(), DRAIN_GRACE);
  }

  /** The process is gone and its socket is read to the end: what it had finished is in the shared file. */
  private finish(): void {
    if (this.exit === null || this.state === 'dead') return;
    const { begun, committed, stage } = this.shared.progress();
    const unsent = this.shared.unsent(this.frames.received, committed);
    if (unsent.length > 0) this.receive(unsent);
    this.state = 'dead';
    this.shared.close();
    for (const socket of [this.toRunner, this.fromRunner]) socket.destroy();
    // A value that can't be was written by a dying plugin: then nothing that was sent is sent again.
    const waiting = begun <= this.lastId && begun >= this.replies ? this.takeWaiting(begun) : [];
    const open = [...this.calls.values()];
    const { status, signal } = this.exit;
    this.owner.died(this, {
      reason: signal === null ? `exited with status ${status}` : `ended by ${signal}`,
      signal,
      status,
      ending: this.ending,
      stopped: this.stopped && status === 0,
      stage,
      failure: this.failure,
      executing: open.filter((call) => !this.expired.has(call)),
      expired: open.filter((call) => this.expired.has(call)),
      waiting,
    });
  }
}

function size(call: Call): number {
  return call.request.length + (call.body === null ? 0 : call.body.length);
}
