import { ProtocolError, RING_SIZE, Stage } from './protocol';
import type { Shared, Snapshot } from './shared';

/** What the host knows of a runner without asking it. */
export interface Known {
  /** It has said that its library is open. */
  readonly isOpen: boolean;
  /** Calls that it was given. */
  readonly lastId: number;
  /** Calls that it has answered. */
  readonly replies: number;
  /** The first call that was withdrawn before it began and of which it has still to say so; Infinity where there is none. */
  readonly oldestWithdrawn: number;
  /** Bytes that it was sent. */
  readonly given: number;
  /** Bytes that came from it. */
  readonly received: number;
  /** Of these, the bytes of whole frames that went through the ring. */
  readonly fromRing: number;
}

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
  readonly #known: Known;
  #seen: Snapshot = { begun: 0, taken: 0, committed: 0, stage: Stage.START, threads: 0 };
  #isHalted = false;
  /** At the last look at which something had moved. */
  #moved = { begun: 0, replies: 0, bytes: 0 };
  #idleLooks = 0;
  /** A withdrawn call that has begun since, which means that it is skipped, and for how many looks that was not said. */
  #skipped = 0;
  #skippedLooks = 0;
  /** Committed at the last look. */
  #claimed = 0;

  constructor(shared: Shared, known: Known) {
    this.#shared = shared;
    this.#known = known;
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
      if (fault === null) return (this.#seen = now);
      if (reads === 1) throw new ProtocolError(`impossible progress: ${fault}`);
    }
  }

  #faultOf(now: Snapshot): string | null {
    const { lastId, replies, given, fromRing } = this.#known;
    const { taken, committed } = this.#seen;
    if (!this.#canHaveBegun(now.begun)) return `${now.begun} calls begun of ${lastId}, of which ${replies} are answered`;
    if (!this.#canHaveCommitted(now.committed)) return `${now.committed} bytes committed, after ${Math.max(committed, fromRing)}`;
    if (now.taken < taken || now.taken > given) return `${now.taken} bytes taken of ${given}, after ${taken}`;
    return this.#canBeAt(now.stage) ? null : `stage ${now.stage}`;
  }

  #canHaveBegun(begun: number): boolean {
    // One call that it was just taking when it was halted has not begun after all.
    const least = this.#isHalted ? this.#seen.begun - 1 : this.#seen.begun;
    return begun >= least && begun >= this.#known.replies && begun <= this.#known.lastId;
  }

  #canHaveCommitted(committed: number): boolean {
    return committed >= this.#seen.committed && committed >= this.#known.fromRing;
  }

  #canBeAt(stage: number): boolean {
    return stage <= Stage.STOP && (stage >= Stage.SERVE || !this.#known.isOpen);
  }

  /** Has the runner take no more calls: those that have not begun when this returns never will. */
  halt(): void {
    this.#shared.halt();
    this.#isHalted = true;
  }

  /**
   * To be called at regular times while calls are open, a turn of the event loop between them.
   * @returns for how many times in a row nothing has moved although a call could have begun, or been skipped
   * @throws ProtocolError
   */
  checkStall(): number {
    const { begun, taken, committed } = this.look();
    const { replies, received, fromRing } = this.#known;
    // What the ring does not hold has been sent, and what has been sent has been read since.
    if (this.#claimed > fromRing + RING_SIZE) throw new ProtocolError(`impossible progress: ${this.#claimed} bytes committed, and ${fromRing} sent`);
    this.#claimed = committed;
    const isExecuting = begun > replies && committed === fromRing;
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
    const { oldestWithdrawn } = this.#known;
    this.#skippedLooks = oldestWithdrawn <= begun && oldestWithdrawn === this.#skipped ? this.#skippedLooks + 1 : 0;
    this.#skipped = oldestWithdrawn;
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
      committed: this.#canHaveCommitted(committed) ? committed : this.#known.fromRing,
      stage: this.#canBeAt(stage) ? stage : this.#known.isOpen ? Stage.SERVE : Stage.START,
    };
  }
}
