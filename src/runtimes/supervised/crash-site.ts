/** One function call of a stack. */
export interface Frame {
  /** Where it is in its file, as the file itself counts; or in memory where the file is not known. */
  readonly offset: number;
  /** The name of that file. */
  readonly module: string | undefined;
  /** Whether that is the plugin's library. */
  readonly isLibrary: boolean;
}

/** Where a process was when it crashed. */
export interface CrashSite {
  /** Number of the signal; 0: none. */
  readonly signal: number;
  /** What it could not reach, in hex. */
  readonly address: string | undefined;
  /** The innermost first. */
  readonly frames: readonly Frame[];
}
