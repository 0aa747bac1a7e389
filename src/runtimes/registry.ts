import type { Mode, PluginFile, Runtime } from '../plugin/runtime';
import { activeWait } from './native/active-wait';
import { inlineRuntime, threadRuntime } from './native/runtime';
import { processRuntime } from './supervised/runner/runtime';

export { freeBuffer, makeRoom, relieveMemory } from './native/memory';
export { endWithParent } from './native/parent';
export { attachStatus, clearStatus, createStatusFile, fillStatusFile, readStatus, readTurns, type Running, type Turn } from './native/status';

/** All ways to run plugins: the only place that knows them. What each takes is loaded for the first plugin that needs it, or ahead of that. */
export const RUNTIMES: readonly Runtime[] = [threadRuntime(), inlineRuntime(), processRuntime({ activeWait })];

/** The endings of all files that are plugins, the preferred ones first. */
export const ENDINGS: readonly string[] = [...new Set(RUNTIMES.flatMap(({ endings }) => endings))];

/**
 * Loads what the first plugins would wait for, which is most of the time of a server's first reply: to be called as soon as nobody waits for
 * the server itself.
 * @param modes in which there may be plugins
 */
export function loadAhead(modes: ReadonlySet<Mode>): void {
  for (const runtime of RUNTIMES) {
    try {
      if (modes.has(runtime.mode)) runtime.loadAhead?.();
    } catch {
      // The plugin that needs it says so.
    }
  }
}

/**
 * The runtime that opens a file, found by its ending.
 * @param mode in which it is to run; without one any that knows such files
 * @returns undefined where plugins of its kind have no such mode
 */
export function runtimeOf({ base }: PluginFile, mode?: Mode): Runtime | undefined {
  const owners = RUNTIMES.filter(({ endings }) => endings.some((ending) => base.endsWith(ending)));
  return owners.find((runtime) => mode === undefined || runtime.mode === mode);
}
