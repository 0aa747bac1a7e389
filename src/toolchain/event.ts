import { DlserveError, messageOf } from '../ground/errors';
import { LimitReached, ToolFailure } from './run';
import { MissingTool } from './tools';
import { Unwritable } from './workplace';

/**
 * `fresh`: built from this very source before. `unchecked`: a library is there and is served, but could not be held
 * against its source, because a compiler is missing or the pluginpath cannot be written to.
 */
export type BuildState = 'building' | 'fresh' | 'built' | 'unchecked' | 'failed';

export interface BuildEvent {
  readonly name: string;
  readonly state: BuildState;
  /** Milliseconds that the build took, without those in which it waited for other builds. */
  readonly ms: number;
  /** What the compilers said: errors, or warnings. */
  readonly output: string;
  /** What the author of the source should know, a line each. */
  readonly warnings: readonly string[];
  /** Of `failed`: BUILD_FAILED. Of `unchecked`: why. */
  readonly error?: DlserveError;
  /** Of `building`: why it may take long. */
  readonly note?: string;
}

/** A build that begins, or one that need not. */
export function goesWell(name: string, state: 'building' | 'fresh', note?: string): BuildEvent {
  return { name, state, ms: 0, output: '', warnings: [], ...(note !== undefined && { note }) };
}

/**
 * A build that did not happen.
 * @param hasLibrary whether there is a library to serve all the same; a compile error forbids that: what the library does
 *   is not what its source says
 */
export function goesWrong(name: string, ms: number, thrown: unknown, hasLibrary: boolean): BuildEvent {
  const output = thrown instanceof ToolFailure ? thrown.output : '';
  const reason = output === '' || thrown instanceof LimitReached ? messageOf(thrown) : "its compiler's words are in the log";
  return {
    name,
    state: hasLibrary && isObstacle(thrown) ? 'unchecked' : 'failed',
    ms,
    output,
    warnings: [],
    error: new DlserveError('BUILD_FAILED', { plugin: name, reason }, { cause: thrown }),
  };
}

/** Whether it says nothing about the source. */
function isObstacle(thrown: unknown): boolean {
  return thrown instanceof MissingTool || thrown instanceof Unwritable;
}
