import type { DlserveError } from '../../ground/errors';
import type { Exchange } from '../../plugin/exchange';
import type { Declared } from '../../plugin/route';
import type { CrashSite } from './crash-site';
import type { Exit } from './process';

/** Why a worker was ended by the host. */
export type Ending = 'timeout' | 'stall' | 'fault' | 'memory' | 'limit' | 'close';

/** The call by which a process has ended. */
export interface Culprit {
  /** The place of its handler. */
  readonly handler: number;
  /** undefined where it was answered by then. */
  readonly call: Exchange | undefined;
}

/** How a worker came to its end, and what became of its calls. */
export interface Death {
  /** null: it did not even start. */
  readonly pid: number | null;
  readonly exit: Exit;
  /** What the system lacked, so that it could not even begin with the plugin; null where it could. */
  readonly lack: string | null;
  /** null: it ended by itself. */
  readonly ending: Ending | null;
  /** It was told to stop, and did. */
  readonly stopped: boolean;
  /** Why the plugin could not be opened; null where it was open by then. */
  readonly refusal: DlserveError | null;
  /** Whose thread has ended it; null where that is not known, or none of a call. */
  readonly culprit: Culprit | 'elsewhere' | null;
  /** Where it was; null where it could not say. */
  readonly site: CrashSite | null;
  /** Milliseconds since its start. */
  readonly age: number;
  /** The last lines that it printed, once they are read. */
  readonly lines: Promise<readonly string[]>;
  /** Where it was, for the log: ", in PluginStop". */
  readonly place: string;
  /** Calls that had begun and were not answered; those that had had their time are settled already. */
  readonly executing: readonly Exchange[];
  readonly expired: readonly Exchange[];
  /** Calls whose handlers had returned, and whose replies went on. */
  readonly kept: readonly Exchange[];
  /** Calls that had not begun, in order. */
  readonly waiting: readonly Exchange[];
}

/**
 * One process that takes calls of one plugin, as the pool knows it. Which bytes it speaks is its own affair:
 *
 *     opening -> ready -> stopping -> dead      as it should be
 *                ready -> retired  -> dead      a call hangs in it: it takes no more, and is ended when only such are left
 *     any of these -> ending -> dead            it is being killed, or has hung up
 */
export interface Worker {
  readonly pid: number | null;
  readonly state: 'opening' | 'ready' | 'retired' | 'stopping' | 'ending' | 'dead';
  /** Calls that it executes at once; may change. */
  readonly concurrency: number;
  /** What the plugin in it says of itself; undefined where it says nothing, or is not open. */
  readonly declared: Declared | undefined;
  /** How each handler of the plugin takes a body, see BodyMode; empty where all take it as text. */
  readonly bodies: Uint8Array;
  /** Calls that it was given and that somebody waits for, or that hold a place in it. */
  readonly load: number;
  /** Calls that go on although their handlers have returned: they hold no place. */
  readonly kept: number;
  /** Calls that it has answered. */
  readonly served: number;
  /** Calls that it was given. */
  readonly given: number;
  /** Those of them that have begun. It takes a look at the process to know. */
  readonly begun: number;
  /** Microseconds that a call typically spends in its handler. */
  readonly typical: number;
  /** Whether it is being killed. */
  readonly isEnding: boolean;
  /** Whether it can take a call now. `window`: how many it may have. */
  hasRoom(window: number): boolean;
  send(exchange: Exchange): void;
  /**
   * When the call began, in milliseconds of performance.now(), and Infinity where it began this very moment or its reply is on its way;
   * undefined where it has not begun, or is not here.
   */
  begunAt(exchange: Exchange): number | undefined;
  /** @returns whether the call is here and had not begun; it never will */
  withdraw(exchange: Exchange): boolean;
  /** Takes back the calls that have not begun; they never will here. */
  reclaim(): readonly Exchange[];
  /**
   * The call has had its time in the handler: the worker takes no more calls, and is ended when nothing but such calls is left in it.
   * @returns whether the call is here
   */
  expire(exchange: Exchange): boolean;
  /**
   * To be called at regular times while calls are open.
   * @returns for how many times in a row nothing has happened although a call could have begun
   */
  checkStall(): number;
  /** Asks it to finish, and to end. */
  stop(): void;
  /** Asks the process to end, past the protocol. */
  terminate(): void;
  /** Ends it, and all that it started. */
  kill(ending: Ending): void;
}

/** Whoever keeps workers. */
export interface WorkerOwner {
  /** It is ready for calls. */
  opened(worker: Worker): void;
  /** A handler has replied to this call. */
  answered(exchange: Exchange): void;
  /** There is no reply to this call, as its handler was not called. */
  dropped(exchange: Exchange): void;
  /** A call that was to be reclaimed, and was being taken just then, has not been made after all. */
  gaveBack(exchange: Exchange): void;
  /** Replies came, so there may be room for more calls. */
  replied(worker: Worker): void;
  /** It takes no more calls, because one in it hangs; `waiting` had not begun and never will here. May be told again. */
  retired(worker: Worker, waiting: readonly Exchange[]): void;
  /** The last that is heard of it. */
  died(worker: Worker, death: Death): void;
}

/** The way in which the workers of a plugin are spoken to. */
export interface Wire {
  /**
   * Starts a worker, which opens the plugin.
   * @throws what spawn or the file system throws
   */
  start(owner: WorkerOwner): Worker;
  /** Why a call can't be sent at all; undefined where it can. */
  refuse(exchange: Exchange): DlserveError | undefined;
}
