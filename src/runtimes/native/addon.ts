import { MAX_REPLY } from '../../plugin/reply';
import { MAX_REPLY_HEADERS } from '../../plugin/reply-headers';
import { loadAddonFile } from '../addon-file';

/** How a job of the addon ended: enum job_outcome of native/addon/job.h. */
export const Outcome = { REPLY: 0, TOO_LATE: 1, TOO_LARGE: 2, NO_MEMORY: 3, HEADERS_TOO_LARGE: 4 } as const;

/** In what state a job was when it was withdrawn: enum job_state of native/addon/job.h. */
export const JobState = { WAITING: 0, BEGUN: 1, ENDED: 2 } as const;

/** What the life of a library is called on the status page, behind its handlers: enum life_label of native/addon/job.h. */
export const LIFE = [
  'a constructor', 'PluginABI', 'PluginInit', 'PluginConcurrency', 'PluginStop',
  'PluginFactory.name', 'PluginFactory.start', 'PluginFactory.stop', 'PluginRoutes', 'PluginFactory.routes',
] as const;

/** What a job runs that is a step of a PluginFactory or PluginRoutes: JOB_START, JOB_END and JOB_TEXT of enum job_kind. */
export const Step = { START: 6, END: 7, TEXT: 8 } as const;

/** The functions of native/addon/addon.c. Hubs, lanes and the slots of jobs are numbers. */
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
   * Times are those of performance.now(), `timeout` is in milliseconds: see TimeLimits.
   */
  submit(lane: number, symbol: number, request: string, body: Buffer | readonly Buffer[] | null, ownAt: number, timeout: number, beginBy: number): number;
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
  flush(hub: number): void;
  /** When a job has begun; -1 where it has not, Infinity where it began this very moment or has ended. */
  begunAt(lane: number, slot: number): number;
  /**
   * Takes back a job that no thread has taken; returns the JobState that it was found in. With `disregards`, the event loop does not stay
   * alive for one that has begun.
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
  /** Calls a handler here and now; its record is the hub's first. */
  invoke(lane: number, symbol: number, request: string, body: Buffer | null, ownAt: number, timeout: number): Body;
}

/** A record's body: the reply's; with TOO_LARGE and HEADERS_TOO_LARGE, the length it would have. */
export type Body = Buffer | string | null | number;

/** HUB_BATCH, RECORD_FIELDS and RECORD_HAS_HEADERS of native/addon/hub.h. */
export const HUB = { BATCH: 64, FIELDS: 4, HAS_HEADERS: 0x100 } as const;
const { BATCH, FIELDS, HAS_HEADERS } = HUB;

/** Where the addon leaves what came back from a library. */
export class Records {
  readonly #numbers = new Int32Array(BATCH * FIELDS);
  readonly #bodies = new Array<Body>(BATCH).fill(null);
  readonly #headers = new Array<string | null>(BATCH).fill(null);

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
    return this.#numbers[index * FIELDS + 2]! & ~HAS_HEADERS;
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
    const headers = this.#headers[index]!;
    this.#headers[index] = null;
    return headers;
  }
}

/** The addon; or, where it can't be used, the reason. */
export type AddonOrReason = Addon | string;

/**
 * Loads the addon on first use.
 * @throws what the system says when it is short of something: then it is tried again the next time
 */
export function loadAddon(): AddonOrReason {
  return loadAddonFile() as AddonOrReason;
}

/** The addon, for what can do without it. */
export function addonIfAny(): Addon | undefined {
  try {
    const addon = loadAddon();
    return typeof addon === 'string' ? undefined : addon;
  } catch {
    return undefined;
  }
}
