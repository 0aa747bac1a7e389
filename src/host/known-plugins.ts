import { DlserveError } from '../ground/errors';
import { nearest } from '../ground/nearest';
import type { Config } from '../config/load';
import { ENDINGS } from '../runtimes/registry';
import { findSources } from '../toolchain/sources';
import { listNames } from './find';
import { isListable, shown } from './unused-sections';

/**
 * The names of all plugins that there are at a start: by their file, their source, or their section in the configuration.
 * @throws DlserveError BAD_CONFIG for one that comes after a plugin that there is not
 */
export async function knownPlugins(config: Config): Promise<Set<string>> {
  const { pluginpath, sections, build } = config;
  // What is wrong with sources is said by whoever builds them.
  const sources = build ? await findSources(pluginpath).catch(() => undefined) : undefined;
  const built = [...(sources?.sources.map(({ name }) => name) ?? []), ...(sources?.unusable.keys() ?? [])];
  const names = new Set([...sections.keys(), ...(await listNames(pluginpath, ENDINGS)), ...built]);
  // In a folder that can't be listed there may be any.
  if (await isListable(pluginpath)) for (const name of names) checkAfter(name, names, config);
  return names;
}

function checkAfter(name: string, names: ReadonlySet<string>, config: Config): void {
  const { sections, pluginpath } = config;
  const missing = config.settings(name).after.find((earlier) => !names.has(earlier));
  if (missing === undefined) return;
  const where = sections.get(name);
  const meant = nearest(missing, names);
  const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
  const reason = `${where === undefined ? '' : `${where}: `}${name} comes after ${missing}, and there is no plugin of that name in ${shown(pluginpath)}${hint}`;
  throw new DlserveError('BAD_CONFIG', { reason });
}
