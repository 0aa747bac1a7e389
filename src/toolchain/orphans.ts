import { existsSync } from 'node:fs';
import { libraryPath } from './library';
import { sourceFolder } from './sources';
import { isAsBuilt, stampedNames } from './stamp';

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
