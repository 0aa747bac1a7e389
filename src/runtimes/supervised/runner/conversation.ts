import { surface } from '../../../ground/surface';
import type { Exchange } from '../../../plugin/exchange';
import type { Declared } from '../../../plugin/route';
import type { Area } from './area';
import { FrameReader, type FrameOwner } from './frames';
import { LargeBodies } from './large-bodies';
import type { WorkerOwner } from '../worker';
import type { Ledger } from './ledger';
import { checkHello, readDeclared, readFailed, readOpened, type Failure } from './greeting';
import { FAILED_HEADER, FRAME_HEADER, MAX_DECLARED, Message, Outcome, ProtocolError, partLength, replyId } from './protocol';
import { readReply, refuse, type RunnerReply } from './replies';
import type { Talk, Talks } from './talks';

/** Whoever is told of what a runner says. */
export interface Listener {
  /** It has opened the library. */
  opened(): void;
  /** There was no memory for a request. */
  lacksMemory(): void;
  /** The plugin says that its end was not as it should be. */
  endedBadly(words: string): void;
}

/**
 * What a runner says, in the order in which it may: HELLO, then OPENED or FAILED, then what calls say and a REPLY for each, at last STOPPED.
 */
export class Conversation implements FrameOwner {
  readonly frames = new FrameReader(this);
  /** Threads that may be inside the library; 0 until it is open. */
  concurrency = 0;
  /** How each handler takes a body; empty where all take it as text. */
  bodies: Buffer = Buffer.alloc(0);
  /** What the library says of itself; undefined where it says nothing. */
  declared: Declared | undefined;
  /** Why it could not be opened. */
  failure: Failure | null = null;
  /** It has been told to stop. */
  stopAsked = false;
  /** It has stopped. */
  stopped = false;
  /** Calls that hold no thread any more, and of these, those whose handlers replied. */
  replies = 0;
  served = 0;
  /** Microseconds that a call typically spends in its handler. */
  typical = 1000;
  private readonly calls: Ledger;
  private readonly talks: Talks;
  private readonly symbols: number;
  private readonly listener: Listener;
  private readonly owner: Pick<WorkerOwner, 'answered' | 'dropped' | 'gaveBack'>;
  private readonly large = new LargeBodies();
  private greeted = false;
  private readonly declaring: Buffer[] = [];
  /** Calls that were being taken when they were reclaimed. */
  private readonly reclaimed = new WeakSet<Exchange>();

  /** It has said that the library is open. */
  get isOpen(): boolean {
    return this.concurrency > 0;
  }

  /**
   * @param symbols how many handlers there are
   * @param owner is told what becomes of each call
   */
  constructor(
    calls: Ledger,
    talks: Talks,
    symbols: number,
    listener: Listener,
    owner: Pick<WorkerOwner, 'answered' | 'dropped' | 'gaveBack'>,
    private readonly area: Area | null,
  ) {
    this.calls = calls;
    this.talks = talks;
    this.symbols = symbols;
    this.listener = listener;
    this.owner = owner;
  }

  /** The call is wanted back. If it turns out to be skipped, it is. */
  reclaim(exchange: Exchange): void {
    this.reclaimed.add(exchange);
  }

  /** @internal */
  frame(buffer: Buffer, start: number, end: number): void {
    const message = buffer[start + 4];
    if (message === Message.REPLY && this.isOpen) {
      this.reply(buffer, start, end);
    } else if (message! >= Message.HEAD && message! <= Message.KEPT && this.isOpen) {
      this.talks.hear(buffer, start, end);
      if (message === Message.KEPT) this.replies++;
    } else if (!this.greeted && message === Message.HELLO) {
      checkHello(buffer, start, end);
      this.greeted = true;
    } else if (this.greeted && !this.isOpen && message === Message.DECLARED) {
      this.declare(Buffer.from(buffer.subarray(start + FRAME_HEADER, end)));
    } else if (this.greeted && !this.isOpen && message === Message.OPENED) {
      if (this.declaring.length > 0) this.declared = readDeclared(Buffer.concat(this.declaring.splice(0)));
      const { concurrency, bodies } = readOpened(buffer, start, end, this.symbols);
      this.concurrency = concurrency;
      this.bodies = bodies;
      this.listener.opened();
    } else if (this.greeted && !this.isOpen && message === Message.FAILED && end - start >= FAILED_HEADER) {
      this.failure = readFailed(buffer, start, end);
    } else if (message === Message.STOPPED && this.stopAsked) {
      this.stopped = true;
      if (end > start + FRAME_HEADER) this.listener.endedBadly(buffer.toString('utf8', start + FRAME_HEADER, end));
    } else {
      throw new ProtocolError(`message ${message} out of order`);
    }
  }

  private declare(bytes: Buffer): void {
    this.declaring.push(bytes);
    const length = this.declaring.reduce((sum, part) => sum + part.length, 0);
    if (length > MAX_DECLARED) throw new ProtocolError('more of a name and routes than there may be');
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
    const reply = readReply(buffer, start, end, this.large, this.area);
    const id = replyId(buffer, start);
    if (!this.calls.isKept(id)) this.replies++;
    const call = this.calls.settle(id);
    const talk = this.talks.end(id);
    this.area?.answered(id);
    if (call === null) reply.raw?.release?.();
    if (call === null) return;
    if (call === undefined) throw new ProtocolError(`a reply to call ${id}, which is not open`);
    if ((reply.streamed !== undefined) !== (talk?.reply.hasBegun === true)) throw new ProtocolError(`the reply to call ${id} does not end what has begun of it`);
    try {
      this.settle(call, reply, talk);
    } catch (error) {
      // Thrown here, it would take the rest of the chunk with it, or be held against the runner.
      surface(error);
    }
  }

  private settle(call: Exchange, reply: RunnerReply, talk: Talk | undefined): void {
    if (reply.outcome === Outcome.SKIPPED && this.reclaimed.has(call)) {
      this.owner.gaveBack(call);
      return;
    }
    if (reply.outcome === Outcome.NO_MEMORY) this.listener.lacksMemory();
    if (reply.outcome === Outcome.NO_MEMORY || reply.outcome === Outcome.SKIPPED) {
      this.owner.dropped(call);
    } else {
      this.served++;
      this.owner.answered(call);
      // How long one takes that waits for its client, or for the host, says nothing of the others.
      if (talk === undefined) this.typical += (reply.microseconds - this.typical) / 8;
    }
    if (reply.streamed !== undefined) talk!.reply.end(reply.streamed === 'broken');
    else if (reply.raw !== null) call.reply(reply.raw);
    else refuse(reply, call);
  }
}
