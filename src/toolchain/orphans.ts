import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { libraryPath } from './library';
import { sourceFolder } from './sources';
import { isAsBuilt, removeStamp, stampedNames } from './stamp';

/**
 * Plugins whose library was built here, and whose source is gone since. Where there are no sources at all, the libraries
 * were brought along without them.
 * @param names of the plugins that have a source
 */
export async function orphans(pluginpath: string, names: ReadonlySet<string>): Promise<string[]> {
  if (!existsSync(sourceFolder(pluginpath))) return [];
  const candidates = (await stampedNames(pluginpath)).filter((name) => !names.has(name));
  const asBuilt = await Promise.all(candidates.map((name) => isAsBuilt(pluginpath, name, libraryPath(pluginpath, name))));
  return candidates.filter((_, i) => asBuilt[i]).sort();
}

/**
 * Deletes what was built of a source that is gone, unless it has become somebody else's.
 * @returns whether there was a library to delete
 */
export async function removeOrphan(pluginpath: string, name: string): Promise<boolean> {
  const library = libraryPath(pluginpath, name);
  if (!existsSync(sourceFolder(pluginpath)) || !(await isAsBuilt(pluginpath, name, library))) return false;
  await rm(library, { force: true });
  await removeStamp(pluginpath, name);
  return true;
}
