import type { Batch } from './batch';
import type { Conversation } from './conversation';
import type { Ledger } from './ledger';
import { ProtocolError, RING_SIZE, Stage } from './protocol';
import type { Shared, Snapshot } from './shared';

/** Bytes from one look to the next that count as movement; what moves less has stopped. */
const LEAST_MOVE = 65536;
/** A number may have been read while it was written, so one that can't be is read again. */
const READS = 3;

/**
 * How far a runner has come. It shares the file with its library, so what stands there is input like any other: it is held
 * against what the host knows, and what can't be is a fault of the protocol. See native/runner/HANDSHAKES.md.
 */
export class Progress {
  readonly #shared: Shared;
  readonly #calls: Ledger;
  readonly #conversation: Conversation;
  readonly #batch: Batch;
  #seen: Snapshot = { begun: 0, taken: 0, committed: 0, stage: Stage.START, threads: 0 };
  /** One call that it was just taking when it was halted may turn out not to have begun. */
  #mayRetract = false;
  /** At the last look at which something had moved. */
  #moved = { begun: 0, replies: 0, bytes: 0 };
  #idleLooks = 0;
  /** The first withdrawn call; where it has begun since, that means that it is skipped, and for how many looks that was not said. */
  #skipped = 0;
  #skippedLooks = 0;
  /** Committed at the last look. */
  #claimed = 0;

  /** @param calls what the host knows of the runner, with the two that follow: the calls, what it said, and what it was sent */
  constructor(shared: Shared, calls: Ledger, conversation: Conversation, batch: Batch) {
    this.#shared = shared;
    this.#calls = calls;
    this.#conversation = conversation;
    this.#batch = batch;
  }

  /** How many threads the system gave it at most, at the last look; 0: as many as it wanted. */
  get threads(): number {
    return this.#seen.threads;
  }

  /** @throws ProtocolError */
  look(): Snapshot {
    for (let reads = READS; ; reads--) {
      const now = this.#shared.read();
      const fault = this.#faultOf(now);
      if (fault === null) return this.#see(now);
      if (reads === 1) throw new ProtocolError(`impossible progress: ${fault}`);
    }
  }

  #see(now: Snapshot): Snapshot {
    if (now.begun < this.#seen.begun) this.#mayRetract = false;
    return (this.#seen = now);
  }

  #faultOf(now: Snapshot): string | null {
    const { replies, frames: { fromRing } } = this.#conversation;
    const { lastId } = this.#calls;
    const { given } = this.#batch;
    const { taken, committed } = this.#seen;
    if (!this.#canHaveBegun(now.begun)) return `${now.begun} calls begun of ${lastId}, of which ${replies} are answered`;
    if (!this.#canHaveCommitted(now.committed)) return `${now.committed} bytes committed, after ${Math.max(committed, fromRing)}`;
    if (now.taken < taken || now.taken > given) return `${now.taken} bytes taken of ${given}, after ${taken}`;
    return this.#canBeAt(now.stage) ? null : `stage ${now.stage}`;
  }

  #canHaveBegun(begun: number): boolean {
    const least = this.#mayRetract ? this.#seen.begun - 1 : this.#seen.begun;
    return begun >= least && begun >= this.#conversation.replies && begun <= this.#calls.lastId;
  }

  #canHaveCommitted(committed: number): boolean {
    return committed >= this.#seen.committed && committed >= this.#conversation.frames.fromRing;
  }

  #canBeAt(stage: number): boolean {
    return stage <= Stage.STOP && (stage >= Stage.SERVE || !this.#conversation.isOpen);
  }

  /** Has the runner take no more calls: those that have not begun when this returns never will. */
  halt(): void {
    this.#shared.halt();
    this.#mayRetract = true;
  }

  /**
   * To be called at regular times while calls are open, a turn of the event loop between them.
   * @returns for how many times in a row nothing has moved although a call could have begun, or been skipped
   * @throws ProtocolError
   */
  checkStall(): number {
    const { begun, taken, committed } = this.look();
    const { replies, frames: { received, fromRing } } = this.#conversation;
    // What the ring does not hold has been sent, and what has been sent has been read since.
    if (this.#claimed > fromRing + RING_SIZE) throw new ProtocolError(`impossible progress: ${this.#claimed} bytes committed, and ${fromRing} sent`);
    // A call that says something while it runs may have words on their way at every look, but not the same ones.
    const isExecuting = begun > replies && this.#claimed <= fromRing;
    this.#claimed = committed;
    const moved = { begun, replies, bytes: taken + received };
    const before = this.#moved;
    if (isExecuting || begun !== before.begun || replies !== before.replies || moved.bytes >= before.bytes + LEAST_MOVE) {
      this.#moved = moved;
      this.#idleLooks = 0;
    } else {
      this.#idleLooks++;
    }
    return Math.max(this.#idleLooks, this.#countSkipped(begun));
  }

  /** To skip a call takes no time: one of which that is not said runs, or its thread has gone. */
  #countSkipped(begun: number): number {
    const { oldestCancelled } = this.#calls;
    this.#skippedLooks = oldestCancelled <= begun && oldestCancelled === this.#skipped ? this.#skippedLooks + 1 : 0;
    this.#skipped = oldestCancelled;
    return this.#skippedLooks;
  }

  /** Nothing is open, so nothing can stall. */
  rest(): number {
    return (this.#idleLooks = this.#skippedLooks = 0);
  }

  /** How far a dead runner came. Where a dying plugin has written what can't be, all that was sent has begun, and nothing is unsent. */
  end(): Snapshot {
    const { begun, committed, stage, ...rest } = this.#shared.read();
    return {
      ...rest,
      begun: this.#canHaveBegun(begun) ? begun : Infinity,
      committed: this.#canHaveCommitted(committed) ? committed : this.#conversation.frames.fromRing,
      stage: this.#canBeAt(stage) ? stage : this.#conversation.isOpen ? Stage.SERVE : Stage.START,
    };
  }
}
