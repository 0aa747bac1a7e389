import { isFileName } from '../contract/name';
import type { Mode, PluginSettings } from '../contract/runtime';
import { isTable, valueAt } from './document';
import { toJson } from './json';
import { PLUGIN, shortName, type Key } from './keys';
import type { Sources } from './sources';
import { Unfit } from './types';

/** Flags for the compiler of a plugin's source. */
export interface CompileFlags {
  readonly cflags: readonly string[];
  readonly ldflags: readonly string[];
}

/** What the configuration says about one plugin. */
export interface PluginConfig {
  readonly settings: PluginSettings;
  readonly compile: CompileFlags;
}

/** What the configuration says about all plugins. */
export interface PluginConfigs {
  /** What holds for the plugin of a name. */
  of(name: string): PluginConfig;
  /** Every mode that some plugin may run in. */
  readonly modes: ReadonlySet<Mode>;
}

/**
 * Reads `[plugins]` and every `[plugin.NAME]`. What is said of one plugin beats what is said of all, wherever that came
 * from.
 * @throws DlserveError BAD_CONFIG
 */
export function readPlugins(sources: Sources): PluginConfigs {
  const everyone = readPlugin({}, (key) => sources.read(key));
  const named = new Map<string, PluginConfig>();
  const tables = valueAt(sources.document.table, ['plugin']);
  for (const [name, table] of isTable(tables) ? Object.entries(tables) : []) {
    if (table === undefined) continue;
    const path = ['plugin', name];
    sources.checkTable(path);
    sources.attempt(path, () => checkName(name));
    named.set(name, readPlugin(readInitConfig(sources, path), overlay(sources, path)));
  }
  return {
    of: (name) => named.get(name) ?? everyone,
    modes: new Set([everyone, ...named.values()].map(({ settings }) => settings.mode)),
  };
}

type Read = <T>(key: Key<T>) => T;

function overlay(sources: Sources, path: readonly string[]): Read {
  return (key) => sources.readDocument(key, [...path, shortName(key.path)]) ?? sources.read(key);
}

function readPlugin(config: PluginSettings['config'], read: Read): PluginConfig {
  return {
    settings: {
      mode: read(PLUGIN.mode),
      timeout: read(PLUGIN.timeout),
      queue: read(PLUGIN.queue),
      concurrency: read(PLUGIN.concurrency),
      workers: read(PLUGIN.workers),
      memory: read(PLUGIN.memory),
      crashes: read(PLUGIN.crashes),
      crashwindow: read(PLUGIN.crashwindow),
      rest: read(PLUGIN.rest),
      config,
    },
    compile: { cflags: read(PLUGIN.cflags), ldflags: read(PLUGIN.ldflags) },
  };
}

function readInitConfig(sources: Sources, plugin: readonly string[]): PluginSettings['config'] {
  const path = [...plugin, 'config'];
  sources.checkTable(path);
  const table = valueAt(sources.document.table, path);
  return isTable(table) ? sources.attempt(path, () => toJson(table)) : {};
}

function checkName(name: string): void {
  if (isFileName(name)) return;
  throw new Unfit(
    'named like a library: letters, digits, "_", "-", ".", up to 200, the first a letter, a digit or "_"',
  );
}
