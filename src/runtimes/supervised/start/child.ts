import type { Socket } from 'node:net';

/** What a descriptor of a program is: nothing to read or write, for one of the first three; a pipe to it; or a descriptor of this process. */
export type Descriptor = 'ignore' | 'pipe' | number;

/** What to start. */
export interface Command {
  readonly executable: string;
  readonly args: readonly string[];
  /** Of all its descriptors. */
  readonly stdio: readonly Descriptor[];
}

/** Whoever started a process. */
export interface ChildOwner {
  /** It ended. Both are null where it is not known how. Until this returns, its id is not given to another process. */
  exited(status: number | null, signal: NodeJS.Signals | null): void;
  /** It could not be started; only where its pid is null. */
  failed(error: Error): void;
}

/** A process that was started, in a session of its own. It holds the event loop by its pipes alone. */
export interface Child {
  /** null: it did not start. */
  readonly pid: number | null;
  /** Of the descriptors that are pipes, the ends here. */
  readonly pipes: readonly (Socket | undefined)[];
}
