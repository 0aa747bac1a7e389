import { DlserveError, messageOf } from '../ground/errors';
import { describe, Unfit } from '../ground/value-types';
import { checkRoute, MOST_ROUTES, shapeOf, titleOf, type PluginRoute } from '../plugin/route';
import type { PluginSettings } from '../plugin/runtime';
import { isTable, valueAt, written } from './document';
import type { Layers } from './layers';

const KEYS: readonly string[] = ['method', 'path', 'handler'];

/**
 * Reads every `[[plugin.NAME.route]]` of a plugin.
 * @throws DlserveError BAD_CONFIG
 */
export function readRoutes(layers: Layers, name: string): PluginRoute[] {
  const path = ['plugin', name, 'route'];
  const value = valueAt(layers.document.table, path);
  if (value === undefined) return [];
  return layers.attempt(path, () => {
    if (!Array.isArray(value)) throw new Unfit(`a list of tables, not ${describe(value)}: write [[${written(path)}]], and method, path and handler below`);
    if (value.length > MOST_ROUTES) throw new Unfit(`a list of ${MOST_ROUTES} routes at the most`);
    return value.map((given: unknown, place) => readRoute(given, `${layers.document.where(path)}: route ${place + 1} of plugin ${name}`));
  });
}

function readRoute(given: unknown, which: string): PluginRoute {
  try {
    const unknown = isTable(given) ? Object.keys(given).find((key) => !KEYS.includes(key)) : undefined;
    if (unknown !== undefined) throw new Error(`has a key ${unknown}: there are ${KEYS.join(', ')}`);
    return checkRoute(given);
  } catch (error) {
    throw new DlserveError('BAD_CONFIG', { reason: `${which} ${messageOf(error)}` }, { cause: error });
  }
}

/**
 * Makes sure that no two routes answer the same requests.
 * @throws DlserveError BAD_CONFIG, which names both
 */
export function checkClashes(plugins: ReadonlyMap<string, { readonly settings: PluginSettings }>): void {
  const taken = new Map<string, string>();
  for (const [name, { settings }] of plugins) {
    for (const route of settings.routes) {
      const other = taken.get(shapeOf(route));
      const own = `${titleOf(route)} of ${name}`;
      if (other !== undefined) throw new DlserveError('BAD_CONFIG', { reason: `two routes answer the same requests: ${other}, and ${own}` });
      taken.set(shapeOf(route), own);
    }
  }
}
