import type { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import type { RawReply } from './reply';

/** The ABI number of native/include/dlserve.h. */
export const HOST_ABI = 1;

/** How many threads "any number" of PluginConcurrency is, unless `concurrency` in the configuration says otherwise. */
export const ANY_CONCURRENCY = 64;

/** The largest reply that a handler may give, in bytes. */
export const MAX_REPLY = 256 * 1024 * 1024;

/** Where a plugin's handlers run. */
export type Mode = 'thread' | 'inline' | 'process';

/** Everything that a runtime needs in order to open one library; the host has checked the path already. */
export interface PluginSource {
  /** The `{file}` of its routes. */
  readonly name: string;
  /** Absolute path of the library, symlinks resolved. */
  readonly path: string;
  /** Its handler symbols, as read from the file; a handler is referred to by its index here. */
  readonly symbols: readonly string[];
  readonly settings: PluginSettings;
  readonly log: Logger;
}

/** The settings of one plugin: `[plugins]`, overlaid by `[plugin.<name>]`. */
export interface PluginSettings {
  readonly mode: Mode;
  /** Milliseconds from the arrival of a call to its 504. */
  readonly timeout: number;
  /** Calls that may wait before 503. */
  readonly queue: number;
  /** Overrides PluginConcurrency: threads inside the library at once; undefined leaves it to the library. */
  readonly concurrency: number | undefined;
  /** Processes of the plugin, mode "process". */
  readonly workers: number;
  /** Bytes of memory that each process may have of its own, mode "process"; 0 is no limit. */
  readonly memory: number;
  /** Crashes within `crashwindow` that a plugin may have before it rests, mode "process". */
  readonly crashes: number;
  /** Milliseconds, see `crashes`. */
  readonly crashwindow: number;
  /** Milliseconds that a plugin rests before one trial call. */
  readonly rest: number;
  /** What PluginInit gets. */
  readonly config: Readonly<Record<string, unknown>>;
}

const LEAST_OPEN_LIMIT = 10_000;

/** Milliseconds that opening a library may take, its constructors and PluginInit included. */
export function openLimit({ timeout }: PluginSettings): number {
  return Math.max(LEAST_OPEN_LIMIT, timeout);
}

/** One request on its way into a library. The host makes it, one runtime at a time holds it, `settle` ends it. */
export interface Call {
  /** Index into PluginSource.symbols. */
  readonly symbol: number;
  /** The request JSON. Complete where `body` is null; else it ends right before the value of its last key, "body". */
  readonly request: string;
  /** The raw request body; null where the request has none. An empty one is there, with length 0. */
  readonly body: Buffer | null;
  /** When the call answers 504, in milliseconds of performance.now(). */
  readonly deadline: number;
  /** For the log. */
  readonly id: string;
  /** Milliseconds that it had, for the words of a TIMEOUT. */
  readonly timeout: number;
  /**
   * One of the two is given; neither where a call that was withdrawn had not begun after all. Only the first settlement
   * counts: a call past its deadline is settled already.
   */
  settle(error: DlserveError | null, reply: RawReply | null): void;
}

/** One opened library. */
export interface Plugin {
  /** Calls that can be inside the library at once. */
  readonly capacity: number;
  /** Calls given and not yet finished, also those that have answered 504 and still hold a thread. */
  readonly outstanding: number;
  /** Never throws; settles the call sooner or later, in order of arrival as far as the concurrency allows. */
  call(call: Call): void;
  /**
   * The host has answered 504 in the call's name. A call that has not begun is dropped; one that has begun is ended where
   * the mode can, and keeps its slot where it can't.
   */
  expire(call: Call): void;
  /**
   * Nobody waits for the call any more. One that has begun goes on as if somebody did, up to its deadline.
   * @returns whether it had not begun: it is dropped then, never begins, and is not settled
   */
  withdraw(call: Call): boolean;
  /**
   * Finishes what was accepted, calls PluginStop and lets go of the library.
   * @param limit milliseconds for all of it; what then still runs is given up, and the log says so
   */
  close(limit: number): Promise<void>;
}

/** One way to run libraries. */
export interface Runtime {
  /**
   * Loads the library, checks its ABI and calls PluginInit.
   * @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED or INIT_FAILED
   */
  open(source: PluginSource): Promise<Plugin>;
}
