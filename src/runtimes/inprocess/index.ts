import type { Runtime } from '../../contract/runtime';
import { KoffiInlineRuntime } from './koffi-inline';
import { KoffiThreadRuntime } from './koffi-thread';

/** How the handlers are reached. */
export interface InprocessOptions {
  /** false: as if the addon had not been built. */
  readonly addon?: boolean;
}

/** Mode "thread": handlers run in this process, off the event loop. */
export function createThreadRuntime(options: InprocessOptions = {}): Runtime {
  return new KoffiThreadRuntime();
}

/** Mode "inline": handlers run in this process, on the event loop. */
export function createInlineRuntime(options: InprocessOptions = {}): Runtime {
  return new KoffiInlineRuntime();
}
