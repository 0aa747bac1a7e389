import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../ground/errors';
import { readLibrary } from '../binary/read';
import { ENDINGS } from '../runtimes/registry';
import { isAsBuilt } from '../toolchain/stamp';
import { findFile } from './find';

/** Milliseconds in which size and time of a library must stay as they are before it counts as written. */
const STILL = 100;
/** Milliseconds after which a file that is not whole counts as what it shall be. */
const GIVEN_UP = 2_000;
const TICK = 25;

/** A library that nobody writes to any more. */
export interface Settled {
  readonly fingerprint: string;
  /** Whether it is what was built of its source. */
  readonly isAsBuilt: boolean;
}

/** A file that has been left as it is, and that nothing can open. */
export interface Unfit {
  readonly reason: string;
}

/**
 * Waits until a library is whole: it has not changed for a while, and its tables don't reach beyond its end, as those of a file do that
 * is being copied.
 */
export async function settled(pluginpath: string, name: string, signal: AbortSignal): Promise<Settled | Unfit | 'gone'> {
  let last: string | undefined;
  let since = performance.now();
  for (;;) {
    const file = await findFile(pluginpath, name, ENDINGS).catch(() => undefined);
    const now = performance.now();
    if (file?.fingerprint !== last) {
      last = file?.fingerprint;
      since = now;
    } else if (now - since >= STILL) {
      if (file === undefined) return 'gone';
      const misfit = await readLibrary(file.path, file.base).then(() => undefined, messageOf);
      // What is written while it is read shows at the next look.
      const after = await findFile(pluginpath, name, ENDINGS).catch(() => undefined);
      if (after?.fingerprint === last) {
        if (misfit === undefined) return { fingerprint: file.fingerprint, isAsBuilt: await isAsBuilt(pluginpath, name, path.join(pluginpath, file.base)) };
        if (now - since >= GIVEN_UP) return { reason: misfit };
      }
    }
    if (signal.aborted) return 'gone';
    await pause(TICK);
  }
}
