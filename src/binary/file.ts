import { DlserveError, messageOf } from '../ground/errors';
import type { Handlers } from '../plugin/handlers';
import type { PluginFile } from '../plugin/runtime';
import { abiMisfit, handlersOf } from './exports';
import { misfitOf } from './fits';
import { readLibrary } from './read';
import { thisSystem } from './system';

/**
 * What the file of a library says of itself, checked against this host before it is opened as code.
 * @throws DlserveError LOAD_FAILED with what is wrong and the mend
 */
export async function examineLibrary({ path, base }: PluginFile): Promise<Handlers> {
  try {
    const binary = await readLibrary(path);
    const misfit = misfitOf(binary, await thisSystem()) ?? abiMisfit(binary);
    if (misfit !== undefined) throw new Error(misfit);
    return handlersOf(binary);
  } catch (cause) {
    throw new DlserveError('LOAD_FAILED', { library: base, reason: messageOf(cause) }, { cause });
  }
}
