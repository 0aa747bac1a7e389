import { LONGEST_TIMER } from '../../../ground/waiting';
import type { Exchange } from '../../../plugin/exchange';
import type { Worker } from '../worker';
import type { Ledger } from './ledger';
import { CreditFlag } from './protocol';
import type { Talks } from './talks';

/** Milliseconds until a reply that is on its way must have been read, and how many times more it is waited for. */
const REPLY_GRACE = 5;
const REPLY_LOOKS = 100;
/** Milliseconds that a handler has to come to its end which has waited for its client, or for the host, and hears that its time is over. */
const WAIT_GRACE = 250;

/** A runner in which a call may hang. */
export interface Hangable {
  state: Worker['state'];
  /** Calls up to this id have begun. */
  readonly begun: number;
  /** Bytes of frames that count as given, and those of them that have come. */
  readonly committed: number;
  readonly fromRing: number;
  /** Has it take no more calls: those that have not begun when this returns never will. */
  halt(): void;
  /** Ends it: nothing but calls that hang is left in it, this one among them. */
  endHung(id: number): void;
  /** It takes no more calls. May be told again. */
  retired(waiting: readonly Exchange[]): void;
}

/** What becomes of a runner in which a call has been for longer than it may. */
export class Hangs {
  /** Looks that are still to come: none of them may meet a runner that has ended. */
  private readonly looks = new Set<NodeJS.Timeout>();
  private isPatient = true;

  /** @param patience milliseconds for which replies in parts hold up the end of a runner in which another call hangs */
  constructor(
    private readonly runner: Hangable,
    private readonly calls: Ledger,
    private readonly talks: Pick<Talks, 'isWaiting' | 'leave' | 'leaveAll'>,
    private readonly patience: number,
  ) {}

  /** The call has had its time. */
  expire(id: number): void {
    const isWaiting = this.talks.isWaiting(id);
    this.talks.leave(id, CreditFlag.GONE | CreditFlag.OVER);
    if (this.calls.isKept(id)) return;
    this.calls.markOverdue(id);
    // It may have been answered, or skipped, at this very moment.
    this.soon(() => this.judge(id), isWaiting ? WAIT_GRACE : REPLY_GRACE);
  }

  /** To be called when the runner has ended. */
  end(): void {
    for (const look of this.looks) clearTimeout(look);
    this.looks.clear();
  }

  private soon(look: () => void, delay = REPLY_GRACE): void {
    const timer = setTimeout(() => {
      this.looks.delete(timer);
      look();
    }, Math.min(delay, LONGEST_TIMER));
    this.looks.add(timer);
  }

  private judge(id: number): void {
    if (!this.calls.has(id)) return;
    if (this.runner.state === 'ready') this.retireIfHung(id, this.runner.committed, REPLY_LOOKS);
    else this.answered();
  }

  /**
   * @param committed what was given at the first look: if the reply is not among that, the call still runs
   * @param looks how often that is still waited for; a runner that claims more than it sends is not waited for without end
   */
  private retireIfHung(id: number, committed: number, looks: number): void {
    if (!this.calls.has(id)) return;
    this.answered();
    if (this.runner.state !== 'ready') return;
    if (committed > this.runner.fromRing && looks > 0) {
      this.soon(() => this.retireIfHung(id, committed, looks - 1));
      return;
    }
    this.runner.halt();
    this.runner.state = 'retired';
    const waiting = this.calls.takeWaiting(this.runner.begun);
    this.endWhenOnlyHung();
    this.runner.retired(waiting);
    this.soon(() => this.check());
    this.soon(() => this.talks.leaveAll(), this.patience);
    this.soon(() => this.losePatience(), this.patience + WAIT_GRACE);
  }

  private losePatience(): void {
    this.isPatient = false;
    this.answered();
  }

  /**
   * To be called at regular times. A call that was just being taken when the runner was told to take no more is not: that shows a
   * little later.
   */
  check(): void {
    if (this.runner.state !== 'retired') return;
    const waiting = this.calls.takeWaiting(this.runner.begun);
    this.endWhenOnlyHung();
    if (waiting.length > 0) this.runner.retired(waiting);
  }

  /** To be called when something has come from the runner. */
  answered(): void {
    if (this.runner.state === 'retired') this.endWhenOnlyHung();
  }

  private endWhenOnlyHung(): void {
    if (!this.isPatient || (this.calls.isAllOverdue && this.calls.keptSize === 0)) this.runner.endHung(this.calls.firstOverdue);
  }
}
