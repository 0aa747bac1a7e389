import { DlserveError, messageOf } from '../ground/errors';
import type { Handlers } from '../plugin/handlers';
import type { PluginFile } from '../plugin/runtime';
import { abiMisfit, addRouted, declaresRoutes, handlersOf } from './exports';
import { misfitOf } from './fits';
import { readLibrary } from './read';
import { thisSystem } from './system';

/**
 * What the file of a library says of itself, checked against this host before it is opened as code.
 * @param routed functions that routes lead to by the configuration
 * @throws DlserveError LOAD_FAILED with what is wrong and the mend
 */
export async function examineLibrary({ path, base }: PluginFile, routed: readonly string[] = []): Promise<Handlers> {
  try {
    const binary = await readLibrary(path);
    const misfit = misfitOf(binary, await thisSystem()) ?? abiMisfit(binary);
    if (misfit !== undefined) throw new Error(misfit);
    const handlers = handlersOf(binary);
    if (routed.length > 0 || declaresRoutes(binary.exports)) addRouted(handlers, (await readLibrary(path, base, 'all')).exports, routed);
    return handlers;
  } catch (cause) {
    throw new DlserveError('LOAD_FAILED', { library: base, reason: messageOf(cause) }, { cause });
  }
}
