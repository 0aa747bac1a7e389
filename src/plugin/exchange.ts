import { DlserveError, messageOf } from '../ground/errors';
import type { Deadline } from './deadline';
import { Deadlines, type Timed } from './deadlines';
import type { Handler } from './handlers';
import { makeHead, makeReply, type RawHead, type RawReply, type Reply, type ReplyHead } from './reply';
import { requestText, type PluginRequest } from './request';

/** Whoever waits for the reply: a door of the server, or a program that has called. */
export interface Recipient {
  /** The reply, whole. The last that it hears. */
  reply(reply: Reply): void;
  /** There is no reply, or no more of it. The last that it hears. */
  fail(error: DlserveError): void;
  /** Status and headers of a reply that comes in parts. */
  begin(head: ReplyHead): void;
  /**
   * The next part of it.
   * @returns whether it takes more at once; else it calls `drained` when it does, or when it never will
   */
  write(part: Buffer, drained: () => void): boolean;
  /** The reply is complete. The last that it hears. */
  end(): void;
  /** It did not wait any more, and the call will not be made. The last that it hears. */
  dropped(): void;
}

/** Whoever runs calls: an instance of a plugin. */
export interface Callee {
  /** Never throws; settles the exchange sooner or later, in order of arrival as far as the concurrency allows. */
  call(exchange: Exchange): void;
  /**
   * The exchange has been answered 504. A call that has not begun is dropped; one that has begun is ended where the mode can, and
   * keeps its place where it can't.
   */
  expire(exchange: Exchange): void;
  /**
   * Nobody waits for the exchange any more. A call that has begun goes on as if somebody did, up to its deadline.
   * @returns whether it had not begun: it is dropped then, never begins, and is not settled
   */
  withdraw(exchange: Exchange): boolean;
}

/** Whoever counts the calls on their way. */
export interface Counter {
  /** One has come to its end. */
  left(): void;
}

const deadlines = new Deadlines();

/**
 * One request and its reply, from the door to the instance and back. It is settled once: by a reply, whole or in parts, by a
 * failure, or by its deadline; what an instance says of it afterwards is not heard.
 */
export class Exchange implements Timed {
  /** Who has it. */
  callee: Callee | null = null;
  /** @internal */
  place = -1;
  #recipient: Recipient | null;
  #body: Buffer | null;
  #counter: Counter | null = null;
  #text: string | undefined;
  readonly #hasBody: boolean;
  #hasBegun = false;

  /**
   * @param handler which one is called
   * @param body the raw bytes; null where the request has none. An empty one is there, with length 0
   * @param id for the log
   */
  constructor(
    readonly request: PluginRequest,
    readonly handler: Handler,
    body: Buffer | null,
    readonly deadline: Deadline,
    readonly id: string,
    recipient: Recipient,
  ) {
    this.#recipient = recipient;
    this.#body = body;
    this.#hasBody = body !== null;
  }

  /**
   * The request JSON of the contract, for runtimes that hand text to their plugins. Complete where there is no body; else it
   * ends right before the value of its last key, "body".
   */
  get text(): string {
    return (this.#text ??= requestText(this.request, this.#hasBody));
  }

  /** The raw bytes of the request; null where it has none, or where they were dropped. */
  get body(): Buffer | null {
    return this.#body;
  }

  /** The instance has a copy of the body: it need not be kept. */
  dropBody(): void {
    this.#body = null;
  }

  /** Nothing more will be heard of it. */
  get isSettled(): boolean {
    return this.#recipient === null;
  }

  /** Hands it to an instance. It is settled at the latest at its deadline, unless it is abandoned before. */
  enter(callee: Callee, counter: Counter): void {
    this.callee = callee;
    this.#counter = counter;
    callee.call(this);
    if (this.#recipient !== null && !this.#hasBegun) deadlines.add(this);
  }

  /** The deadline has passed. @internal */
  expire(): void {
    if (this.#recipient === null) return;
    try {
      this.failLate();
    } finally {
      this.callee?.expire(this);
    }
  }

  /** Nobody waits for the reply any more: a call that has not begun is dropped, one that has is seen to its end. */
  abandon(): void {
    if (this.#recipient !== null && this.callee?.withdraw(this) === true) this.drop();
  }

  // What an instance says.

  /** Gives the whole reply. */
  reply(raw: RawReply): void {
    if (this.#recipient === null) return;
    let reply: Reply;
    try {
      reply = makeReply(raw, this.handler.symbol);
    } catch (refused) {
      this.#refuse(refused);
      return;
    }
    this.#settle()?.reply(reply);
  }

  /** Gives an error in place of a reply, or of what is missing of it. */
  fail(error: DlserveError): void {
    this.#settle()?.fail(error);
  }

  /** Its deadline has passed. */
  failLate(): void {
    this.fail(this.deadline.exceeded(this.handler.symbol, this.request.file));
  }

  /** A call that was withdrawn had not begun after all. */
  drop(): void {
    this.#settle()?.dropped();
  }

  /** Begins a reply in parts. The deadline was met. */
  begin(raw: RawHead): void {
    if (this.#recipient === null) return;
    let head: ReplyHead;
    try {
      head = makeHead(raw, this.handler.symbol);
    } catch (refused) {
      this.#refuse(refused);
      return;
    }
    deadlines.remove(this);
    this.#hasBegun = true;
    this.#recipient.begin(head);
  }

  /**
   * Gives the next part, after {@link begin}.
   * @param drained called when there is room for more, where there is none now
   * @returns whether there is; also true when nobody listens any more, see {@link isSettled}
   */
  write(part: Buffer, drained: () => void): boolean {
    return this.#recipient === null || !this.#hasBegun || this.#recipient.write(part, drained);
  }

  /** The reply in parts is complete. */
  end(): void {
    if (this.#hasBegun) this.#settle()?.end();
  }

  #refuse(refused: unknown): void {
    this.fail(refused instanceof DlserveError ? refused : new DlserveError('INTERNAL', {}, { cause: messageOf(refused) }));
  }

  #settle(): Recipient | null {
    const recipient = this.#recipient;
    this.#recipient = null;
    deadlines.remove(this);
    if (recipient !== null) this.#counter?.left();
    return recipient;
  }
}
