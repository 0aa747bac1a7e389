import { DlserveError } from '../ground/errors';
import { shortName, type Key } from '../ground/key';
import { Unfit } from '../ground/value-types';
import { describeCycle, findCycle, withPredecessors } from '../plugin/lifecycle/graph';
import { isFileName } from '../plugin/name';
import type { Mode, PluginSettings } from '../plugin/runtime';
import { isTable, valueAt } from './document';
import { toJson } from './json';
import { PLUGIN, type KeyOwner } from './keys';
import type { Layers } from './layers';
import { checkClashes, readRoutes } from './routes';

/** Flags for the compiler of a plugin's source. */
export interface CompileFlags {
  readonly cflags: readonly string[];
  readonly ldflags: readonly string[];
}

/** What the configuration says about one plugin. */
export interface PluginConfig {
  readonly settings: PluginSettings;
  /** What its runtime's own settings were if its mode was "process". */
  readonly processOwn: PluginSettings['own'];
  readonly compile: CompileFlags;
}

/** What the configuration says about all plugins. */
export interface PluginConfigs {
  /** What holds for the plugin of a name. */
  of(name: string): PluginConfig;
  /** Those with a section of their own. */
  readonly named: ReadonlyMap<string, PluginConfig>;
  /** Every mode that some plugin may run in. */
  readonly modes: ReadonlySet<Mode>;
}

/**
 * Reads `[plugins]` and every `[plugin.NAME]`. What is said of one plugin beats what is said of all, wherever that came
 * from.
 * @throws DlserveError BAD_CONFIG
 */
export function readPlugins(layers: Layers, runtimes: readonly KeyOwner[]): PluginConfigs {
  const everyone = readPlugin({ config: {}, routes: [] }, runtimes, (key) => layers.read(key));
  const named = new Map<string, PluginConfig>();
  const tables = valueAt(layers.document.table, ['plugin']);
  for (const [name, table] of isTable(tables) ? Object.entries(tables) : []) {
    if (table === undefined) continue;
    const path = ['plugin', name];
    layers.checkTable(path);
    layers.attempt(path, () => checkName(name));
    const own = { config: readInitConfig(layers, path), routes: readRoutes(layers, name) };
    const config = readPlugin(own, runtimes, overlay(layers, path));
    named.set(name, layers.readDocument(PLUGIN.after, [...path, 'after']) === undefined ? first(name, config) : config);
  }
  const of = (name: string): PluginConfig => named.get(name) ?? first(name, everyone);
  checkOrder(of, named, layers);
  checkClashes(named);
  return {
    of,
    named,
    modes: new Set([everyone, ...named.values()].map(({ settings }) => settings.mode)),
  };
}

/** What all plugins come after comes after nobody itself, unless its own section says so. */
function first(name: string, config: PluginConfig): PluginConfig {
  const { after } = config.settings;
  return after.includes(name) ? { ...config, settings: { ...config.settings, after: [] } } : config;
}

/** The settings of a plugin as they were if its mode was "process". */
export function isolated({ settings, processOwn }: PluginConfig): PluginSettings {
  return { ...settings, mode: 'process', own: processOwn };
}

/** @throws DlserveError BAD_CONFIG for plugins that come after themselves by way of others */
function checkOrder(of: PluginConfigs['of'], named: ReadonlyMap<string, PluginConfig>, layers: Layers): void {
  const after = (name: string): readonly string[] => of(name).settings.after;
  const names = withPredecessors(named.keys(), after);
  const cycle = findCycle(new Map(Array.from(names, (name) => [name, after(name)])));
  if (cycle === undefined) return;
  const { document } = layers;
  const own = cycle.find((name) => valueAt(document.table, ['plugin', name, 'after']) !== undefined);
  const where = own === undefined ? layers.whereGiven(PLUGIN.after) : document.where(['plugin', own, 'after']);
  throw new DlserveError('BAD_CONFIG', { reason: `${where}: ${describeCycle(cycle)}: no plugin can be opened before itself` });
}

type Read = <T>(key: Key<T>) => T;

function overlay(layers: Layers, path: readonly string[]): Read {
  return (key) => layers.readDocument(key, [...path, shortName(key.path)]) ?? layers.read(key);
}

function readPlugin(own: Pick<PluginSettings, 'config' | 'routes'>, runtimes: readonly KeyOwner[], read: Read): PluginConfig {
  const timeout = read(PLUGIN.timeout);
  const required = read(PLUGIN.required);
  const mode = read(PLUGIN.mode);
  const settings: PluginSettings = {
    mode,
    timeout,
    queueTimeout: read(PLUGIN.queuetimeout) ?? timeout,
    partTimeout: read(PLUGIN.parttimeout),
    queue: read(PLUGIN.queue),
    concurrency: read(PLUGIN.concurrency),
    start: required ? 'server' : read(PLUGIN.start),
    after: read(PLUGIN.after),
    required,
    trial: read(PLUGIN.trial),
    demote: read(PLUGIN.demote),
    faultreports: read(PLUGIN.faultreports),
    ...own,
    own: readOwn(mode, runtimes, read),
  };
  return {
    settings,
    processOwn: readOwn('process', runtimes, read),
    compile: { cflags: read(PLUGIN.cflags), ldflags: read(PLUGIN.ldflags) },
  };
}

/** The keys of every runtime are checked, those of the mode are kept. */
function readOwn(mode: Mode, runtimes: readonly KeyOwner[], read: Read): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const runtime of runtimes) {
    for (const [name, key] of Object.entries(runtime.keys)) {
      const value = read(key);
      if (runtime.mode === mode) own[name] = value;
    }
  }
  return own;
}

function readInitConfig(layers: Layers, plugin: readonly string[]): PluginSettings['config'] {
  const path = [...plugin, 'config'];
  layers.checkTable(path);
  const table = valueAt(layers.document.table, path);
  return isTable(table) ? layers.attempt(path, () => toJson(table)) : {};
}

function checkName(name: string): void {
  if (isFileName(name)) return;
  throw new Unfit(
    'named like a library: letters, digits, "_", "-", ".", up to 200, the first a letter, a digit or "_"',
  );
}
