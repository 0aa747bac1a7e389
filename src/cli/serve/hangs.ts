import { readFileSync } from 'node:fs';
import { openLimit, type PluginSettings } from '../../plugin/runtime';
import type { Turn } from '../../runtimes/registry';

/** Milliseconds between two looks at what an event loop is in. */
export const LOOK_EVERY = 250;
/** Milliseconds that a call may take longer than it may: others are told of it after their timeout, this one is ended. */
const GRACE = 1000;

/** A call that holds up the event loop of a server process. */
export interface Hang {
  readonly turn: Turn;
  /** Milliseconds that it may take. */
  readonly limit: number;
}

/** How long the calls take that the event loop of one server process is in. */
export class LoopWatch {
  /** Milliseconds for which each was seen. */
  #seen = new Map<string, number>();
  #lastLook = performance.now();

  /**
   * @param pid of the process
   * @returns the call that takes too long
   */
  look(turns: readonly Turn[], settings: (plugin: string) => PluginSettings, pid: number | undefined): Hang | undefined {
    const now = performance.now();
    // Whoever was asleep himself, with all of the system or for a while of its load, has seen nothing.
    const passed = Math.min(now - this.#lastLook, 2 * LOOK_EVERY);
    this.#lastLook = now;
    this.#seen = new Map(turns.map(({ id }) => [id, this.#seen.has(id) ? this.#seen.get(id)! + passed : 0]));
    for (const turn of turns) {
      const limit = limitOf(turn, settings(turn.plugin));
      if (this.#seen.get(turn.id)! > limit + GRACE && !isHalted(pid)) return { turn, limit };
    }
    return undefined;
  }
}

function limitOf({ isLife }: Turn, settings: PluginSettings): number {
  return isLife ? openLimit(settings) : settings.timeout;
}

/** Whether somebody has stopped a process, with a debugger for example, or by Ctrl-Z. */
function isHalted(pid: number | undefined): boolean {
  try {
    return /^\d+ \(.*\) [Tt] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
