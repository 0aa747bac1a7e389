import { MAX_REPLY } from '../../plugin/reply';
import { MAX_REPLY_HEADERS } from '../../plugin/reply-headers';
import { addonFileIfAny, loadAddonFile } from '../addon-file';

/** How a job of the addon ended, or from HEAD on what happened to one that has not: enum job_outcome of native/addon/job.h. */
export const Outcome = {
  REPLY: 0, TOO_LATE: 1, TOO_LARGE: 2, NO_MEMORY: 3, HEADERS_TOO_LARGE: 4, LAST: 5, BROKEN: 6,
  HEAD: 16, CHUNK: 17, HEADERS_REFUSED: 18, WANT: 19, ASK: 20, LOG: 21, LOST_LINES: 22, KEPT: 23, LOST: 24,
} as const;

/** STREAM_PIECE_COST of native/addon/stream.h. */
export const PIECE_COST = 512;

/** In what state a job was when it was withdrawn: enum job_state of native/addon/job.h. */
export const JobState = { WAITING: 0, BEGUN: 1, ENDED: 2, HELD: 3 } as const;

/** What the life of a library is called on the status page, behind its handlers: enum life_label of native/addon/job.h. */
export const LIFE = [
  'a constructor', 'PluginABI', 'PluginInit', 'PluginConcurrency', 'PluginStop',
  'PluginFactory.name', 'PluginFactory.start', 'PluginFactory.stop', 'PluginRoutes', 'PluginFactory.routes', 'PluginBody',
] as const;

/** What a job runs that is a step of a PluginFactory or PluginRoutes: JOB_START, JOB_END and JOB_TEXT of enum job_kind. */
export const Step = { START: 6, END: 7, TEXT: 8 } as const;

/** The functions of native/addon/addon.c and lane_calls.c. Hubs, lanes and the slots of jobs are numbers. */
export interface Addon {
  /** Publishes on the status page behind a descriptor what the hubs made from now on are running. */
  attachStatus(descriptor: number): void;
  /** Has the system kill this process when its parent ends; on Linux. */
  endWithParent(): void;
  createHub(
    callback: (count: number) => void,
    records: Int32Array,
    bodies: unknown[],
    headers: unknown[],
    now: number,
    mostReply: number,
    mostHeaders: number,
  ): number;
  /** `symbols` are those of so many handlers, and then {@link LIFE}. */
  openLane(hub: number, name: string, symbols: readonly string[], handlers: number): number;
  /** Functions are given by their addresses, 0n where the library has none. */
  bindLane(lane: number, handlers: readonly bigint[], release: bigint, init: bigint, stop: bigint): void;
  limitLane(lane: number, threads: number): void;
  /**
   * Gives a call to the lane's threads once flush() is called. Returns its slot; when memory is out -1, or an error says so by its code.
   * Times are those of performance.now(), `timeout` is in milliseconds: see TimeLimits. With `hasInput` the body comes by feed().
   */
  submit(
    lane: number,
    symbol: number,
    request: string,
    body: Buffer | readonly Buffer[] | null,
    ownAt: number,
    timeout: number,
    beginBy: number,
    hasInput: boolean,
  ): number;
  /** The client has taken so many bytes of a reply in parts, {@link PIECE_COST} for each of them among them. */
  credit(lane: number, slot: number, bytes: number): void;
  /** Brings bytes of a request's body; returns whether more are wanted. */
  feed(lane: number, slot: number, part: Buffer): boolean;
  /** There are no more of them. */
  feedEnd(lane: number, slot: number, isBroken: boolean): void;
  /** Answers what a handler has asked. */
  answer(lane: number, slot: number, isOk: boolean, json: string): void;
  /** Submits the opening of a library, likewise; with `bindsOwn`, see native/addon/symbols.h. */
  load(lane: number, path: string, bindsOwn: boolean): number;
  /** Submits a function that returns a number, likewise; `label` is its place in {@link LIFE}. */
  number(lane: number, address: bigint, label: number): number;
  /** Submits PluginInit, likewise. */
  init(lane: number, config: string): number;
  /**
   * Submits a function of a {@link Step}'s kind, likewise.
   * @param config what a START gets
   */
  run(lane: number, step: number, address: bigint, label: number, config: string): number;
  /** Submits PluginStop, likewise. */
  stop(lane: number): number;
  /**
   * Makes this JavaScript thread the owner of a library, by device and inode; false where another thread of the process is. Each time
   * wants to be taken back by unclaim().
   */
  claim(identity: string): boolean;
  unclaim(identity: string): void;
  /** Does at once to a library that is open what `bindsOwn` does. */
  bindOwn(path: string): void;
  /** Hands what was submitted to the threads; returns whether just one job is under way then. */
  flush(hub: number): boolean;
  /**
   * Flushes; where just one job is under way then, nobody is woken when it comes back, and await() is to be called in the same turn of the
   * event loop. Returns whether that is so.
   */
  watch(hub: number): boolean;
  /** Waits actively for what watch() was called for, as long as nothing else happens to the event loop; returns whether it has come. */
  await(hub: number, microseconds: number): boolean;
  /** Whether there is more than one processor, so that something may come while it is waited for actively. */
  mayWait(): boolean;
  /** Waits actively until something happens to the event loop; returns whether it did. */
  awaitEvent(microseconds: number): boolean;
  /** When a job has begun; -1 where it has not, Infinity where it began this very moment or has ended. */
  begunAt(lane: number, slot: number): number;
  /**
   * Takes back a job that no thread has taken; returns the JobState that it was found in, HELD where it has begun and waits for the host or
   * its client. With `disregards`, the event loop does not stay alive for one that has begun, and its handler hears that nobody waits.
   */
  withdraw(lane: number, slot: number, disregards: boolean): number;
  /** Ends the lane's threads, closes its library then if wanted, and reports that in a record; false where nobody will. */
  closeLane(lane: number, unloads: boolean): boolean;
  /** Frees a lane that has no threads, or none any more. */
  dropLane(lane: number): void;
  /** Leaves the lane's threads to themselves; nothing more is reported of it. */
  abandonLane(lane: number): void;
  /** Collects garbage, and returns freed memory to the system. */
  relieveMemory(): void;
  /** Memory that the thread of a job reads where it is, and not a copy; null where there is none. */
  makeRoom(size: number): Buffer | null;
  /** Frees a buffer's memory: it is empty then. */
  detach(buffer: Buffer): void;
  /** Calls a handler here and now; its record is the hub's first. */
  invoke(lane: number, symbol: number, request: string, body: Buffer | null, ownAt: number, timeout: number): Body;
}

/** A record's body: the reply's; with TOO_LARGE and HEADERS_TOO_LARGE, the length it would have. */
export type Body = Buffer | string | null | number;

/** HUB_BATCH, and what begins with RECORD_, of native/addon/hub.h. */
export const HUB = { BATCH: 64, FIELDS: 4, HAS_HEADERS: 0x100, HAS_LINES: 0x200 } as const;
const { BATCH, FIELDS, HAS_HEADERS, HAS_LINES } = HUB;

/** Where the addon leaves what came back from a library. */
export class Records {
  readonly #numbers = new Int32Array(BATCH * FIELDS);
  readonly #bodies = new Array<Body>(BATCH).fill(null);
  readonly #headers = new Array<string | (number | string)[] | null>(BATCH).fill(null);

  /** Makes the addon's hub that writes here; `onBatch` hears how many records it has written. */
  createHub(addon: Addon, onBatch: (count: number) => void): number {
    return addon.createHub(onBatch, this.#numbers, this.#bodies, this.#headers, performance.now(), MAX_REPLY, MAX_REPLY_HEADERS);
  }

  lane(index: number): number {
    return this.#numbers[index * FIELDS]!;
  }

  slot(index: number): number {
    return this.#numbers[index * FIELDS + 1]!;
  }

  /** One of {@link Outcome}. */
  outcome(index: number): number {
    return this.#numbers[index * FIELDS + 2]! & ~(HAS_HEADERS | HAS_LINES);
  }

  status(index: number): number {
    return this.#numbers[index * FIELDS + 3]!;
  }

  /** Takes the body out, so that the list doesn't keep it in memory. */
  takeBody(index: number): Body {
    const body = this.#bodies[index]!;
    this.#bodies[index] = null;
    return body;
  }

  takeHeaders(index: number): string | null {
    if ((this.#numbers[index * FIELDS + 2]! & HAS_HEADERS) === 0) return null;
    const headers = this.#headers[index] as string;
    this.#headers[index] = null;
    return headers;
  }

  /** The lines that a handler of mode "inline" wrote to the log: level and text in turn, and at last how many are lost. Beside the first record. */
  takeLines(): (number | string)[] | null {
    if ((this.#numbers[2]! & HAS_LINES) === 0) return null;
    const lines = this.#headers[1] as (number | string)[];
    this.#headers[1] = null;
    return lines;
  }
}

/** The addon; or, where it can't be used, the reason. */
export type AddonOrReason = Addon | string;

/** @throws as {@link loadAddonFile} */
export function loadAddon(): AddonOrReason {
  return loadAddonFile() as AddonOrReason;
}

/** The addon, for what can do without it. */
export function addonIfAny(): Addon | undefined {
  return addonFileIfAny() as Addon | undefined;
}
