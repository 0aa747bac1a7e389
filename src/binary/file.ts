import { DlserveError, isScarcity, messageOf } from '../ground/errors';
import type { Handlers } from '../plugin/handlers';
import type { PluginFile } from '../plugin/runtime';
import { abiMisfit, handlersOf } from './exports';
import { misfitOf } from './fits';
import { readLibrary } from './read';
import { thisSystem } from './system';

/** File endings under which a library is looked for on a platform, the preferred one first. */
export function libraryEndings(platform: NodeJS.Platform = process.platform): readonly string[] {
  return platform === 'darwin' ? ['.dylib', '.so'] : ['.so'];
}

/**
 * What the file of a library says of itself, checked against this host before it is opened as code.
 * @throws DlserveError LOAD_FAILED with what is wrong and the mend, UNAVAILABLE where the system has no descriptor left to look at it
 */
export async function examineLibrary({ path, base }: PluginFile): Promise<Handlers> {
  try {
    const binary = await readLibrary(path);
    const misfit = misfitOf(binary, await thisSystem()) ?? abiMisfit(binary);
    if (misfit !== undefined) throw new Error(misfit);
    return handlersOf(binary);
  } catch (cause) {
    if (isScarcity(cause)) throw new DlserveError('UNAVAILABLE', { plugin: base, reason: messageOf(cause) }, { cause, headers: { 'Retry-After': '1' } });
    throw new DlserveError('LOAD_FAILED', { library: base, reason: messageOf(cause) }, { cause });
  }
}
