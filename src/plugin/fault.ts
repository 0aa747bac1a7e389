/** A call that a fault concerns. */
export interface FaultyCall {
  /** `GETHelloHandler` */
  readonly handler: string;
  /** The request's id. */
  readonly request: string;
}

/** Something went wrong in a plugin: the same report in log, events and API. What is not known is undefined. */
export interface Fault {
  /** A crash ends what ran beside it, too; a hang is a call past its timeout. */
  readonly kind: 'crash' | 'hang';
  /** In milliseconds since 1970. */
  readonly at: number;
  /** The plugin's name. */
  readonly plugin?: string | undefined;
  /** In words. */
  readonly reason: string;
  /** The one that has caused it; undefined where several may have, or none. */
  readonly handler?: string | undefined;
  /** The id of the request by which it has. */
  readonly request?: string | undefined;
  /** The calls that were in their handlers. */
  readonly calls: readonly FaultyCall[];
  /** Ids of requests among them that were made again. */
  readonly again?: readonly string[] | undefined;
  /** Of the process that ended; undefined where none did. */
  readonly pid?: number | undefined;
  /** What ended it. */
  readonly signal?: NodeJS.Signals | undefined;
  /** With what it exited. */
  readonly status?: number | undefined;
  /** What it could not reach in memory, in hex. */
  readonly address?: string | undefined;
  /** The functions that were being executed, the innermost first: `GETCrashHandler+0x14 (hello.so)`. */
  readonly stack?: readonly string[] | undefined;
  /** The last lines that the process printed. */
  readonly output?: readonly string[] | undefined;
  /** Of the library's file, in hex; or why it could not be read. */
  readonly sha256?: string | undefined;
  /** The generation of the plugin. */
  readonly generation?: number | undefined;
  /** Milliseconds since the process was started. */
  readonly age?: number | undefined;
}
