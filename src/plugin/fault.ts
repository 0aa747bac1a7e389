/** A call that a fault concerns. */
export interface FaultyCall {
  /** `GETHelloHandler` */
  readonly handler: string;
  /** The request's id. */
  readonly request: string;
}

/** Something went wrong in a plugin: the same report in log, events and API. */
export interface Fault {
  /** A crash ends what ran beside it, too; a hang is a call past its deadline. */
  readonly kind: 'crash' | 'hang';
  /** In milliseconds since 1970. */
  readonly at: number;
  /** In words. */
  readonly reason: string;
  /** The calls that were in their handlers. */
  readonly calls: readonly FaultyCall[];
  /** Of the process that ended; undefined where none did. */
  readonly pid?: number | undefined;
  /** What ended it. */
  readonly signal?: NodeJS.Signals | undefined;
  /** With what it exited. */
  readonly status?: number | undefined;
}
