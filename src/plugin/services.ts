import type { Exchange } from './exchange';

/** What a service says. */
export interface Answer {
  readonly isOk: boolean;
  /** JSON: the value, or `{"code":"...","message":"..."}`. */
  readonly json: string;
}

/** What the handlers of a plugin may ask the host for. */
export interface Services {
  /**
   * Never rejects.
   * @param exchange the call whose handler asks
   * @param params JSON, as the plugin gave it: it may be none
   */
  ask(exchange: Exchange, service: string, params: string): Promise<Answer>;
  /**
   * A line for the log; never throws.
   * @param level DLSERVE_DEBUG to DLSERVE_ERROR: 0 to 3; whatever else a plugin gives counts as the nearest
   */
  log(exchange: Exchange, level: number, text: string): void;
}

/** What a service of the program's is told of the call that asks. */
export interface ServiceContext {
  readonly plugin: string;
  /** `GETHelloHandler` */
  readonly handler: string;
  readonly requestId: string;
  /** Aborts when the asking call ends, or its time is over: nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** When the time of the asking call is over, in milliseconds since 1970; Infinity where that is never. */
  readonly deadline: number;
}

/**
 * A service that a program offers its plugins.
 * @param params what the plugin gave, parsed
 * @returns what becomes the answer, as JSON; undefined is null. What it throws becomes `{"code":"...","message":"..."}`, with the `code`
 *   of the error, where that has one, or SERVICE_FAILED
 */
export type Service = (params: unknown, context: ServiceContext) => unknown;
