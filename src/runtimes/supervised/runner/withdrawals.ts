import type { Exchange } from '../../../plugin/exchange';
import type { Conversation } from './conversation';
import type { Ledger } from './ledger';
import { CreditFlag, MOST_CANCELLED } from './protocol';
import type { Shared } from './shared';
import type { Talks } from './talks';

/** Takes calls back from one runner. In which order both sides look and write: native/runner/HANDSHAKES.md. */
export class Withdrawals {
  /** @param runner which calls have begun */
  constructor(
    private readonly runner: { readonly begun: number },
    private readonly calls: Ledger,
    private readonly conversation: Pick<Conversation, 'reclaim'>,
    private readonly shared: Pick<Shared, 'cancel'>,
    private readonly talks: Pick<Talks, 'leave'>,
  ) {}

  /** @returns whether the call is here and had not begun; it never will */
  withdraw(exchange: Exchange): boolean {
    const id = this.calls.find(exchange);
    if (id === 0) return false;
    if (id <= this.runner.begun) {
      if (!exchange.isAwaited) this.leave(id);
      return false;
    }
    this.shared.cancel(id);
    if (id > this.runner.begun) {
      this.calls.cancel(id);
      return true;
    }
    // It was taken meanwhile, and may have been skipped or not: its reply says which.
    return false;
  }

  /**
   * Nobody waits for a call that has begun: one that has said something is told, and any may look for it itself; not in a place that is a
   * later call's by now, which could be one that must not begin.
   */
  leave(id: number): void {
    if (this.calls.lastId < id + MOST_CANCELLED) this.shared.cancel(id);
    this.talks.leave(id, CreditFlag.GONE);
  }

  /** The steps of withdraw, for all that have not begun at once. @returns those that will not; of the others, the runner says it */
  reclaim(): Exchange[] {
    const waiting = this.calls.after(this.runner.begun);
    if (waiting.length === 0) return [];
    for (const [id] of waiting) this.shared.cancel(id);
    const { begun } = this.runner;
    return waiting.flatMap(([id, call]) => {
      if (id > begun) this.calls.cancel(id);
      else this.conversation.reclaim(call);
      return id > begun ? [call] : [];
    });
  }
}
