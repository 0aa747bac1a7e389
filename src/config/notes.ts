import { distance } from 'fastest-levenshtein';
import { shortName } from '../ground/key';
import { nearest } from '../ground/nearest';
import { isTable, valueAt, written, type Document } from './document';
import { allKeys, ownKeys, PLUGIN, SERVER, type KeyOwner } from './keys';
import type { Layers } from './layers';
import type { PluginConfigs } from './plugins';

/** Something that is said once at start. */
export interface Note {
  readonly level: 'warn' | 'info';
  readonly message: string;
}

/** Sections and keys of prestd that have no meaning here (its samples/prest.sample.toml, config/config.go). */
const PRESTD = new Set([
  'access',
  'auth',
  'cache',
  'context',
  'cors',
  'databases',
  'debug',
  'expose',
  'http.timeout',
  'https',
  'json',
  'jwt',
  'migrations',
  'otel',
  'pg',
  'pluginmiddlewarelist',
  'queries',
  'ssl',
  'studio',
  'version',
]);

const SECTIONS = ['http', 'log', 'state', 'plugins', 'plugin'];

/** What in a document dlserve does not know, or knows to be for prestd alone. */
export function unknownKeys(document: Document, runtimes: readonly KeyOwner[]): Note[] {
  const paths = allKeys(runtimes).map(({ path }) => path);
  const pluginKeys = [...[...Object.values(PLUGIN), ...ownKeys(runtimes)].map(({ path }) => shortName(path)), 'config', 'route'];
  const notes: Note[] = [];
  const unused: string[] = [];
  const warn = (path: readonly string[], hint: string): void => {
    notes.push({ level: 'warn', message: `${document.where(path)}: unknown key ${written(path)}${hint}` });
  };
  for (const [name, value] of entries(document.table)) {
    if (name === 'plugin') continue;
    if (PRESTD.has(name)) unused.push(isTable(value) || Array.isArray(value) ? `[${name}]` : name);
    else if (isTable(value) && SECTIONS.includes(name)) {
      for (const [key, content] of entries(value)) {
        const path = `${name}.${key}`;
        if (PRESTD.has(path)) unused.push(path);
        else if (!paths.includes(path)) warn([name, key], name === 'plugins' && isTable(content) ? tableHint(key) : didYouMean(path, paths));
      }
    } else if (isTable(value)) warn([name], didYouMean(name, SECTIONS));
    else if (!paths.includes(name)) warn([name], didYouMean(name, paths));
  }
  for (const [name, plugin] of entries(document.table.plugin)) {
    for (const [key, value] of entries(plugin)) {
      if (!pluginKeys.includes(key)) warn(['plugin', name, key], pluginHint(name, key, value, pluginKeys));
    }
  }
  if (unused.length > 0) {
    const message = `${document.name}: dlserve has no use for these keys of prestd: ${unused.join(', ')}`;
    notes.push({ level: 'info', message });
  }
  return notes;
}

/** What to write in place of a table in [plugins]. */
function tableHint(key: string): string {
  if (key === 'config') return ': it is for one plugin, in [plugin.NAME.config]';
  return `: for a plugin called ${key} write [${written(['plugin', key])}]`;
}

function pluginHint(name: string, key: string, value: unknown, known: readonly string[]): string {
  if (Object.values(SERVER).some(({ path }) => path === `plugins.${key}`)) return ': it is for all plugins, in [plugins]';
  if (isTable(value)) {
    const config = `for its PluginInit write [plugin.${name}.config]`;
    return `: for a plugin called ${name}.${key} write [plugin."${name}.${key}"], ${config}`;
  }
  return didYouMean(key, known);
}

/** Environment variables that begin like dlserve's and are none: a misspelt one would otherwise be silent. */
export function unknownVariables(env: NodeJS.ProcessEnv, runtimes: readonly KeyOwner[]): Note[] {
  const known = [...allKeys(runtimes).map((key) => key.env), 'PREST_CONF'];
  const ofPrestd = Array.from(PRESTD, (path) => `PREST_${path.toUpperCase().replace('.', '_')}`);
  return Object.keys(env)
    .filter((name) => name.startsWith('PREST_') && !known.includes(name))
    .filter((name) => !ofPrestd.some((start) => name === start || name.startsWith(`${start}_`)))
    .map((name) => ({ level: 'warn', message: `unknown environment variable ${name}${didYouMean(name, known)}` }));
}

/** Keys of runtimes that are given where no such runtime will read them. */
export function unusedKeys(layers: Layers, plugins: PluginConfigs, runtimes: readonly KeyOwner[]): Note[] {
  const notes: Note[] = [];
  for (const key of ownKeys(runtimes)) {
    const modes = runtimes.filter(({ keys }) => Object.values(keys).includes(key)).map(({ mode }) => mode);
    const only = `has an effect in mode ${modes.map((mode) => `"${mode}"`).join(' and ')} only`;
    const given = layers.whereGiven(key);
    if (given !== undefined && !modes.some((mode) => plugins.modes.has(mode))) {
      notes.push({ level: 'warn', message: `${given}: ${key.path} ${only}, and no plugin runs in it` });
    }
    for (const [name, { settings }] of plugins.named) {
      const path = ['plugin', name, shortName(key.path)];
      if (valueAt(layers.document.table, path) === undefined || modes.includes(settings.mode)) continue;
      notes.push({ level: 'warn', message: `${layers.document.where(path)}: ${written(path)} ${only}, and ${name} runs in mode "${settings.mode}"` });
    }
  }
  return notes;
}

/** What of the keys an embedded host makes no use of. */
const OF_THE_SERVER = [SERVER.host, SERVER.port, SERVER.httpWorkers, SERVER.fastlane];

/** Options of an embedded host that are for the server of `dlserve serve`. */
export function unusedOptions(document: Document): Note[] {
  return OF_THE_SERVER.filter(({ path }) => valueAt(document.table, path.split('.')) !== undefined).map(({ path }) => ({
    level: 'warn',
    message: `${document.name}: ${path} has no effect here: it is for the server that dlserve starts, and this host is served by yours`,
  }));
}

function entries(table: unknown): [string, unknown][] {
  return isTable(table) ? Object.entries(table).filter(([, value]) => value !== undefined) : [];
}

/** The nearest of the names, if it is so near that it was meant; also one that only stands in the wrong section. */
function didYouMean(given: string, names: readonly string[]): string {
  const lower = given.toLowerCase();
  const meant = nearest(given, names, (name) => Math.min(distance(lower, name.toLowerCase()), shortName(name) === shortName(lower) ? 1 : Infinity));
  return meant === undefined ? '' : `: did you mean \`${meant}\`?`;
}
