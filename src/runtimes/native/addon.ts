import { existsSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../ground/errors';
import { packageRoot } from '../../ground/package';
import { MAX_REPLY } from '../../plugin/reply';

/** How a job of the addon ended: enum job_outcome of native/addon/job.h. */
export const Outcome = { REPLY: 0, TOO_LATE: 1, TOO_LARGE: 2, NO_MEMORY: 3 } as const;

/** In what state a job was when it was withdrawn: enum job_state of native/addon/job.h. */
export const JobState = { WAITING: 0, BEGUN: 1, ENDED: 2 } as const;

/** The functions of native/addon/addon.c. Hubs, lanes and the slots of jobs are numbers. */
export interface Addon {
  /** Publishes on the status page behind a descriptor what the hubs made from now on are running. */
  attachStatus(descriptor: number): void;
  createHub(
    callback: (count: number) => void,
    records: Int32Array,
    bodies: unknown[],
    headers: unknown[],
    now: number,
    mostReply: number,
  ): number;
  /** Functions are given by their addresses, 0n where the library has none; `symbols` ends with PluginInit and PluginStop. */
  openLane(
    hub: number,
    name: string,
    symbols: readonly string[],
    handlers: readonly bigint[],
    release: bigint,
    init: bigint,
    stop: bigint,
  ): number;
  limitLane(lane: number, threads: number): void;
  /** Gives a call to the lane's threads once flush() is called. Returns its slot, or -1 when memory is out. */
  submit(lane: number, symbol: number, request: string, body: Buffer | null, deadline: number): number;
  /** Submits PluginInit, likewise. */
  init(lane: number, config: string): number;
  /** Submits PluginStop, likewise. */
  stop(lane: number): number;
  flush(hub: number): void;
  /** Takes back a job that no thread has taken; returns the JobState that it was found in. */
  withdraw(lane: number, slot: number): number;
  /** Ends the lane's threads, and reports that in a record; false where nobody will. */
  closeLane(lane: number): boolean;
  /** Frees a lane that has no threads, or none any more. */
  dropLane(lane: number): void;
  /** Leaves the lane's threads to themselves; nothing more is reported of it. */
  abandonLane(lane: number): void;
  /** Calls a handler here and now; its record is the hub's first. */
  invoke(lane: number, symbol: number, request: string, body: Buffer | null, deadline: number): Body;
}

/** A record's body: the reply's; with TOO_LARGE, the length it would have. */
export type Body = Buffer | string | null | number;

/** HUB_BATCH, RECORD_FIELDS and RECORD_HAS_HEADERS of native/addon/hub.h. */
const BATCH = 64;
const FIELDS = 4;
const HAS_HEADERS = 0x100;

/** Where the addon leaves what came back from a library. */
export class Records {
  readonly #numbers = new Int32Array(BATCH * FIELDS);
  readonly #bodies = new Array<Body>(BATCH).fill(null);
  readonly #headers = new Array<string | null>(BATCH).fill(null);

  /** Makes the addon's hub that writes here; `onBatch` hears how many records it has written. */
  createHub(addon: Addon, onBatch: (count: number) => void): number {
    return addon.createHub(onBatch, this.#numbers, this.#bodies, this.#headers, performance.now(), MAX_REPLY);
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

const file = path.join(packageRoot, 'build/Release/addon.node');

/** The addon; or, where it can't be used, the reason. */
export type AddonOrReason = Addon | string;

let loaded: AddonOrReason | undefined;

/** Loads the addon on first use. */
export function loadAddon(): AddonOrReason {
  loaded ??= load();
  return loaded;
}

function load(): AddonOrReason {
  if (!existsSync(file)) return 'it was not built';
  try {
    return require(file) as Addon;
  } catch (error) {
    return messageOf(error);
  }
}
