import { shortName, type Key } from '../ground/key';
import { Unfit } from '../ground/value-types';
import { isFileName } from '../plugin/name';
import type { Mode, PluginSettings } from '../plugin/runtime';
import { isTable, valueAt } from './document';
import { toJson } from './json';
import { PLUGIN, type KeyOwner } from './keys';
import type { Layers } from './layers';

/** Flags for the compiler of a plugin's source. */
export interface CompileFlags {
  readonly cflags: readonly string[];
  readonly ldflags: readonly string[];
}

/** What the configuration says about one plugin. */
export interface PluginConfig {
  readonly settings: PluginSettings;
  /** The same as they were if its mode was "process". */
  readonly isolated: PluginSettings;
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
  const everyone = readPlugin({}, runtimes, (key) => layers.read(key));
  const named = new Map<string, PluginConfig>();
  const tables = valueAt(layers.document.table, ['plugin']);
  for (const [name, table] of isTable(tables) ? Object.entries(tables) : []) {
    if (table === undefined) continue;
    const path = ['plugin', name];
    layers.checkTable(path);
    layers.attempt(path, () => checkName(name));
    named.set(name, readPlugin(readInitConfig(layers, path), runtimes, overlay(layers, path)));
  }
  return {
    of: (name) => named.get(name) ?? everyone,
    named,
    modes: new Set([everyone, ...named.values()].map(({ settings }) => settings.mode)),
  };
}

type Read = <T>(key: Key<T>) => T;

function overlay(layers: Layers, path: readonly string[]): Read {
  return (key) => layers.readDocument(key, [...path, shortName(key.path)]) ?? layers.read(key);
}

function readPlugin(config: PluginSettings['config'], runtimes: readonly KeyOwner[], read: Read): PluginConfig {
  const settingsIn = (mode: Mode): PluginSettings => ({
    mode,
    timeout: read(PLUGIN.timeout),
    queue: read(PLUGIN.queue),
    concurrency: read(PLUGIN.concurrency),
    demote: read(PLUGIN.demote),
    config,
    own: readOwn(mode, runtimes, read),
  });
  return {
    settings: settingsIn(read(PLUGIN.mode)),
    isolated: settingsIn('process'),
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
