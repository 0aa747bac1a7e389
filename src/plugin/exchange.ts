import { DlserveError, messageOf } from '../ground/errors';
import { joined, lengthOf, type BodyPieces } from './body-pieces';
import type { BodySource } from './body-source';
import type { TimeLimits } from './deadline';
import { Deadlines, type Timed } from './deadlines';
import { BodyMode, type Handler } from './handlers';
import { ClockedBody, PartClock } from './part-clock';
import type { Recipient } from './recipient';
import { makeHead, makeReply, type RawHead, type RawReply, type Reply, type ReplyHead } from './reply';
import { requestText, type PluginRequest } from './request';

/** Whoever runs calls: an instance of a plugin. */
export interface Callee {
  /** Never throws; settles the exchange sooner or later, in order of arrival as far as the concurrency allows. */
  call(exchange: Exchange): void;
  /**
   * When the call began, in milliseconds of performance.now(), as exactly as can be told; undefined where it has not, or is not here.
   * One that has just begun or ended may have any time, which then counts as the present.
   */
  begunAt(exchange: Exchange): number | undefined;
  /**
   * The call is in its handler for longer than it may, and has been answered 504. It is ended where the mode can, and keeps its place
   * where it can't. One that has not begun after all is dropped.
   */
  expire(exchange: Exchange): void;
  /**
   * The call is not to be made if it has not begun. One that has begun goes on, whether or not somebody waits for it.
   * @returns whether it had not: it is dropped then, never begins, and is not settled
   */
  withdraw(exchange: Exchange): boolean;
}

/** Whoever counts the calls on their way. */
export interface Counter {
  /** One has come to its end. */
  left(exchange: Exchange): void;
  /** One comes in parts, its request or its reply, and may last. May be said twice. */
  lasts?(exchange: Exchange): void;
}

const deadlines = new Deadlines();

/**
 * One request and its reply, from the door to the instance and back. It is settled once: by a reply, whole or in parts, by a
 * failure, or by one of its limits; what an instance says of it afterwards is not heard. A call that is settled by its client's
 * deadline goes on, and is watched until it ends or has had its time.
 */
export class Exchange implements Timed {
  /** Who has it. */
  callee: Callee | null = null;
  /** @internal */
  place = -1;
  #recipient: Recipient | null;
  #body: BodyPieces;
  #counter: Counter | null = null;
  #text: string | undefined;
  readonly #hasBody: boolean;
  #input: BodySource | null = null;
  /** The reply comes in parts, and has begun. */
  #isInParts = false;
  /** Of a call whose reply, or request, comes in parts. */
  #clock: PartClock | undefined;
  /** Nobody waits for the reply. */
  #isAbandoned = false;
  /** It was told to come to its end. */
  #isCancelled = false;
  /** Whoever wants to know when it is settled. */
  #heirs: Set<() => void> | null = null;
  /** When the call began, as far as is known; undefined before that was asked, or while it waits. */
  #begunAt: number | undefined;
  /** When it is looked at again; undefined before the first time. */
  #due: number | undefined;

  /**
   * @param handler which one is called
   * @param body the raw bytes, in one piece or as they came; null where the request has none. An empty one is there, with length 0
   * @param id for the log
   */
  constructor(
    readonly request: PluginRequest,
    readonly handler: Handler,
    body: BodyPieces,
    readonly limits: TimeLimits,
    readonly id: string,
    recipient: Recipient,
  ) {
    this.#recipient = recipient;
    this.#body = body;
    this.#hasBody = body !== null;
  }

  /**
   * The request JSON of the contract, for runtimes that hand text to their plugins. Complete where there is no body, or the handler does
   * not take it as text; else it ends right before the value of its last key, "body".
   */
  get text(): string {
    return (this.#text ??= requestText(this.request, this.#hasBody && this.handler.body === BodyMode.TEXT));
  }

  /**
   * The raw bytes of the request in one piece; null where it has none, or where they were dropped.
   * @throws DlserveError OUT_OF_MEMORY
   */
  get body(): Buffer | null {
    return (this.#body = joined(this.#body));
  }

  /** The same as they came, in one piece or in several: whoever copies them can do without the joint one. */
  get bodyParts(): BodyPieces {
    return this.#body;
  }

  /** Bytes of it. */
  get bodyLength(): number {
    return lengthOf(this.#body);
  }

  /** The body may be read even after the reply: it is on its way to somebody who need not have read it to reply. */
  isBodyLent = false;

  /** The body of a handler that takes it in parts; null for others, and where there is none. Set before the exchange is entered. */
  get input(): BodySource | null {
    return this.#input;
  }

  set input(body: BodySource | null) {
    this.#input = body && new ClockedBody(body, (this.#clock ??= new PartClock()));
  }

  /** The instance has a copy of the body: it need not be kept. */
  dropBody(): void {
    this.#body = null;
  }

  /** Nothing more will be heard of it. */
  get isSettled(): boolean {
    return this.#recipient === null;
  }

  /** Somebody waits for the reply; else a handler that asks hears that nobody does. */
  get isAwaited(): boolean {
    return this.#recipient !== null && !this.#isAbandoned && !this.#isCancelled;
  }

  /** It may be made again, as far as nothing of it has been used up or said. */
  get isWhole(): boolean {
    return this.#input === null && !this.#isInParts;
  }

  /** When its time is over, in milliseconds of performance.now(), as far as is known now. */
  get endsAt(): number {
    const now = performance.now();
    const since = this.#clock?.since(now) ?? 0;
    if (this.#isInParts) return since + this.limits.partTimeout;
    if (this.callee !== null) this.#askBegun(now);
    return Math.min(Math.max(this.#begunAt ?? now, since) + this.limits.timeout, this.limits.ownAt);
  }

  /**
   * @param listener called once it is settled; at once where it is
   * @returns what takes that back
   */
  onceSettled(listener: () => void): () => void {
    if (this.#recipient === null) {
      listener();
      return () => undefined;
    }
    const heirs = (this.#heirs ??= new Set());
    heirs.add(listener);
    return () => void heirs.delete(listener);
  }

  /** Hands it to an instance. It is settled at the latest when its time is over, unless it is abandoned before. */
  enter(callee: Callee, counter: Counter): void {
    this.callee = callee;
    this.#counter = counter;
    if (this.#input !== null) counter.lasts?.(this);
    callee.call(this);
    // One that has moved here from another instance, or has begun its reply, is among them already.
    if (this.#recipient !== null && this.place === -1) deadlines.add(this);
  }

  /** It has not begun after all, and waits for its turn again: what was heard of its begin does not count. */
  waitAgain(): void {
    if (this.#begunAt === undefined) return;
    this.#begunAt = undefined;
    this.#lookSoonest();
  }

  /** It had begun, and is made again: all its time counts anew, but its client's. */
  beginAgain(): void {
    this.limits.restart();
    this.#begunAt = undefined;
    this.#lookSoonest();
  }

  /** Where it is among those that are looked at. */
  #lookSoonest(): void {
    const isWatched = this.place !== -1;
    deadlines.remove(this);
    this.#due = undefined;
    if (isWatched) deadlines.add(this);
  }

  /** When one of its limits may be reached: for a call of which nothing is known, the first that can be. @internal */
  get due(): number {
    return this.#due ?? this.limits.soonest;
  }

  /** One of its limits may be reached. @internal */
  look(): void {
    const { limits } = this;
    const now = performance.now();
    if (this.#isInParts) {
      this.#lookBetweenParts(now);
      return;
    }
    this.#askBegun(now);
    if (this.#begunAt === undefined) {
      if (now < limits.beginBy) this.#lookAt(Math.min(limits.beginBy, now + limits.timeout));
      else if (this.callee!.withdraw(this)) this.#failUnmade();
      // It was taken at this very moment. If it is skipped for that, the instance will say so.
      else this.#begunAt = now;
    }
    if (this.#begunAt !== undefined) this.#lookAtBegun(Math.max(this.#begunAt, this.#clock?.since(now) ?? 0) + limits.timeout, now);
  }

  /** One that nobody waits for any more has no longer than any other. */
  #lookBetweenParts(now: number): void {
    const { partTimeout, timeout } = this.limits;
    const limit = this.#isAbandoned ? Math.min(partTimeout, timeout) : partTimeout;
    const end = this.#clock!.since(now) + limit;
    if (end <= now) this.#expire(this.limits.exceeded(this.handler.symbol, this.request.file, limit));
    else this.#lookAt(end);
  }

  /** What an instance says of the time is no earlier than the arrival, and no later than when it said so first. */
  #askBegun(now: number): void {
    const at = this.callee!.begunAt(this);
    if (at !== undefined) this.#begunAt = Math.min(at > this.limits.arrival ? at : this.limits.arrival, this.#begunAt ?? now);
  }

  /** @param end when it has had its time */
  #lookAtBegun(end: number, now: number): void {
    const { limits } = this;
    if (end <= now) {
      this.#expire(limits.exceeded(this.handler.symbol, this.request.file));
    } else if (this.#recipient === null || limits.ownAt > now) {
      this.#lookAt(this.#recipient === null ? end : Math.min(end, limits.ownAt));
    } else {
      this.#lookAt(end);
      try {
        this.#answer()?.fail(limits.own!.exceeded(this.handler.symbol, this.request.file));
      } finally {
        this.callee!.withdraw(this);
      }
    }
  }

  #expire(error: DlserveError): void {
    try {
      this.fail(error);
    } finally {
      this.callee?.expire(this);
    }
  }

  #lookAt(due: number): void {
    this.#due = due;
    deadlines.add(this);
  }

  /**
   * Nobody waits for the reply any more: a call that has not begun is dropped, one that has is seen to its end. A handler that replies in
   * parts hears of it.
   */
  abandon(): void {
    if (this.#recipient === null || this.#isAbandoned) return;
    this.#isAbandoned = true;
    if (this.callee?.withdraw(this) === true) this.drop();
    else if (this.#isInParts) this.#lookBetweenPartsFromNow();
  }

  #lookBetweenPartsFromNow(): void {
    deadlines.remove(this);
    this.#clock!.turn();
    this.#lookBetweenParts(performance.now());
  }

  /**
   * Its plugin is to end: the handler hears that nobody waits any more, and what it then leaves undone shows, as the reply breaks off.
   * @returns false where it has not begun, and nothing was done
   */
  cancel(): boolean {
    if (this.#recipient === null || this.#isCancelled) return true;
    if (!this.#isInParts && this.callee!.begunAt(this) === undefined) return false;
    this.#isCancelled = true;
    if (this.callee!.withdraw(this)) this.fail(new DlserveError('STOPPING'));
    return true;
  }

  // What an instance says.

  /** Gives the whole reply. */
  reply(raw: RawReply): void {
    if (this.#recipient === null) {
      deadlines.remove(this);
      raw.release?.();
      return;
    }
    let reply: Reply;
    try {
      reply = makeReply(raw, this.handler.symbol);
    } catch (refused) {
      raw.release?.();
      this.#refuse(refused);
      return;
    }
    this.#settle()?.reply(reply);
  }

  /** Gives an error in place of a reply, or of what is missing of it. A handler may well leave off what nobody waits for. */
  fail(error: DlserveError): void {
    if (this.#isAbandoned && error.code === 'STREAM_BROKEN') this.drop();
    else this.#settle()?.fail(error);
  }

  /** The call was not made, and never will be: it is too late for that, or it was withdrawn. */
  skip(): void {
    if (this.#isAbandoned) this.drop();
    else this.#failUnmade();
  }

  /** The call was not made, and nobody waits for it. */
  drop(): void {
    this.#settle()?.dropped();
  }

  /** Begins a reply in parts. The limits were met; from now on those between parts count. */
  begin(raw: RawHead): void {
    if (this.#recipient === null || this.#isInParts) return;
    let head: ReplyHead;
    try {
      head = makeHead(raw, this.handler.symbol);
    } catch (refused) {
      this.#refuse(refused);
      return;
    }
    this.#isInParts = true;
    this.#clock ??= new PartClock();
    this.#counter?.lasts?.(this);
    this.#lookBetweenPartsFromNow();
    this.#recipient.begin(head);
  }

  /**
   * Gives the next part, after {@link begin}. An empty one has status and headers leave, where they have not.
   * @param drained called once when there is room for more, where there is none now
   * @returns whether there is; also true when nobody listens any more, see {@link isAwaited}
   */
  write(part: Buffer, drained: () => void): boolean {
    if (this.#recipient === null || !this.#isInParts) return true;
    const clock = this.#clock!;
    clock.turn();
    const takesMore = this.#recipient.write(part, () => {
      clock.goOn();
      drained();
    });
    if (!takesMore) clock.wait();
    return takesMore;
  }

  /** The reply in parts is complete; not so that of a handler that was told to end before. */
  end(): void {
    if (!this.#isInParts) return;
    if (this.#isCancelled) this.fail(new DlserveError('STOPPING'));
    else this.#settle()?.end();
  }

  #refuse(refused: unknown): void {
    this.fail(refused instanceof DlserveError ? refused : new DlserveError('INTERNAL', {}, { cause: messageOf(refused) }));
  }

  #failUnmade(): void {
    this.fail(this.limits.waited(this.handler.symbol, this.request.file));
  }

  /** The call has come to its end. */
  #settle(): Recipient | null {
    deadlines.remove(this);
    return this.#answer();
  }

  /** Whoever is to be answered, once. */
  #answer(): Recipient | null {
    const recipient = this.#recipient;
    this.#recipient = null;
    if (recipient === null) return null;
    this.#counter?.left(this);
    if (this.#heirs !== null) for (const heir of this.#heirs) heir();
    return recipient;
  }
}
