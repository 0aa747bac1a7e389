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
