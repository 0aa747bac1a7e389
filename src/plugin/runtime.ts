import type { Keys, Values } from '../ground/key';
import type { Logger } from '../ground/log';
import type { TimeSettings } from './deadline';
import type { Callee, Exchange } from './exchange';
import type { Fault } from './fault';
import type { Handlers } from './handlers';
import type { PluginRoute } from './route';
import type { Services } from './services';

/** What a plugin's file is. */
export type Kind = 'library';

/** Where a plugin's handlers run. */
export type Mode = 'thread' | 'inline' | 'process';

export const MODES: readonly Mode[] = ['thread', 'inline', 'process'];

/** When a plugin is opened. */
export type Start = 'request' | 'server';

export const STARTS: readonly Start[] = ['request', 'server'];

/** The file of a plugin, found in pluginpath and not yet looked into. */
export interface PluginFile {
  /** Absolute, symlinks resolved. */
  readonly path: string;
  /** Its name as it stands in pluginpath, for messages. */
  readonly base: string;
  /** Of the file, under whatever names: device and inode. */
  readonly identity: string;
  /** Changes when the file does. */
  readonly fingerprint: string;
}

/** The settings of one plugin: `[plugins]`, overlaid by `[plugin.<name>]`. */
export interface PluginSettings<Own = Readonly<Record<string, unknown>>> extends TimeSettings {
  readonly mode: Mode;
  /** Calls that may wait before 503. */
  readonly queue: number;
  /** How many calls may be inside at once, in place of what the plugin itself says; 0 is any number, undefined leaves it to the plugin. */
  readonly concurrency: number | undefined;
  /** The func of a GET handler that must answer 2xx in a reloaded generation before it takes over. */
  readonly trial: string | undefined;
  /** Whether it goes on in mode "process" after it has shown that it is no good in this one. */
  readonly demote: boolean;
  /** When it is opened. */
  readonly start: Start;
  /** The plugins that are opened before it, and closed after it. */
  readonly after: readonly string[];
  /** Whether the server is ready only while it answers. It starts with the server then. */
  readonly required: boolean;
  /** How many reports of its last faults are kept. */
  readonly faultreports: number;
  /** What PluginInit gets. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Routes of its own, besides those that it says itself. */
  readonly routes: readonly PluginRoute[];
  /** The values of the runtime's own keys. */
  readonly own: Own;
}

/** How many calls "any number" is, unless `concurrency` in the configuration says otherwise. */
export const ANY_CONCURRENCY = 64;

/** The most calls that may be inside a plugin at once. */
export const MOST_CONCURRENCY = 1024;

const LEAST_OPEN_LIMIT = 10_000;

/** Milliseconds that opening a plugin may take, its own initialisation included. */
export function openLimit({ timeout }: PluginSettings): number {
  return Math.max(LEAST_OPEN_LIMIT, timeout);
}

/** Who is told how an instance fares. */
export interface Observer {
  /** It rests, after too many crashes; or it is well again. */
  resting(isResting: boolean): void;
  /** Something went wrong. The log has it already. */
  fault(fault: Fault): void;
}

/** Everything that a runtime needs in order to open one plugin. */
export interface PluginSource<Own = Readonly<Record<string, unknown>>> {
  /** The `{file}` of its routes. */
  readonly name: string;
  readonly file: PluginFile;
  /** As {@link Runtime.examine} has found them. */
  readonly handlers: Handlers;
  readonly settings: PluginSettings<Own>;
  readonly log: Logger;
  readonly observer: Observer;
  readonly services: Services;
}

/** One opened generation of a plugin. */
export interface Instance extends Callee {
  /** Which handlers it has. */
  readonly handlers: Handlers;
  /** The routes of its own that it says itself. Each leads to a handler that it has. */
  readonly routes: readonly PluginRoute[];
  /** What it calls itself, where it does. */
  readonly title: string | undefined;
  /** Calls that can be inside the plugin at once. */
  readonly capacity: number;
  /** Calls given and not yet finished, also those that have answered 504 and still hold a thread. */
  readonly outstanding: number;
  /** Calls that were given and have not come back; some of them may not have begun. */
  pending(): readonly Exchange[];
  /** The ids of the processes that are its own. */
  readonly processes: readonly number[];
  /**
   * Finishes what was accepted, calls PluginStop and lets go of the plugin.
   * @param limit milliseconds for all of it; what then still runs is given up, and the log says so
   */
  close(limit: number): Promise<void>;
}

/** One way to run plugins of one kind. */
export interface Runtime<K extends Keys = Keys> {
  readonly kind: Kind;
  readonly mode: Mode;
  /** The endings of the files that are its own, the preferred one first. */
  readonly endings: readonly string[];
  /** The configuration keys that are its own, by their short names. */
  readonly keys: K;
  /**
   * Whether it can work on this machine.
   * @throws DlserveError with the reason and the remedy where it can't
   */
  check(): void;
  /** Loads what its first plugin would wait for. It may throw what loading throws; whoever needs it then is told again. */
  loadAhead?(): void;
  /**
   * What a file says of itself before anything of it runs.
   * @param routed functions that routes lead to by the configuration, whatever they are called
   * @throws DlserveError LOAD_FAILED with what is wrong and the mend, UNAVAILABLE
   */
  examine(file: PluginFile, routed?: readonly string[]): Promise<Handlers>;
  /**
   * Loads a plugin, checks it and initialises it.
   * @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED, INIT_FAILED or UNAVAILABLE
   */
  open(source: PluginSource<Values<K>>): Promise<Instance>;
}
