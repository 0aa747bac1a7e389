import { DlserveError, messageOf } from '../ground/errors';
import { makeReply, type RawReply, type Reply } from '../contract/reply';
import type { Call } from '../contract/runtime';
import type { Deadlines, Timed } from './deadlines';
import type { Handler, OpenPlugin } from './plugin';

/** Gets exactly one of the two. */
export type Answer = (error: DlserveError | null, reply: Reply | null) => void;

/** A call under way: from its arrival to its one settlement, by the runtime or by its deadline. */
export class HostCall implements Call, Timed {
  readonly deadline: number;
  slot = -1;
  next: Timed | null = null;
  previous: Timed | null = null;
  #answer: Answer | null;

  /**
   * @param timeout milliseconds from the call's beginning to its deadline
   * @param passed how many of them are over
   */
  constructor(
    readonly plugin: OpenPlugin,
    readonly handler: Handler,
    readonly request: string,
    readonly body: Buffer | null,
    readonly timeout: number,
    passed: number,
    readonly id: string,
    private readonly deadlines: Deadlines<HostCall>,
    answer: Answer,
  ) {
    this.deadline = performance.now() + timeout - passed;
    this.#answer = answer;
  }

  get symbol(): number {
    return this.handler.index;
  }

  get settled(): boolean {
    return this.#answer === null;
  }

  settle(error: DlserveError | null, raw: RawReply | null): void {
    const answer = this.#answer;
    if (answer === null) return;
    this.#answer = null;
    this.deadlines.remove(this);
    if (raw === null) {
      if (error !== null) answer(error, null);
      return;
    }
    let reply: Reply;
    try {
      reply = makeReply(raw, this.handler.symbol);
    } catch (refused) {
      answer(refused instanceof DlserveError ? refused : new DlserveError('INTERNAL', {}, { cause: messageOf(refused) }), null);
      return;
    }
    answer(null, reply);
  }

  /** Nobody waits for the answer any more: a call that has not begun is dropped, one that has is seen to its end. */
  abandon(): void {
    if (this.#answer === null || !this.plugin.runtime.withdraw(this)) return;
    this.#answer = null;
    this.deadlines.remove(this);
  }

  /** The deadline has passed. */
  expire(): void {
    const { symbol } = this.handler;
    this.settle(new DlserveError('TIMEOUT', { symbol, library: this.plugin.library, timeout: this.timeout }), null);
    this.plugin.runtime.expire(this);
  }
}
