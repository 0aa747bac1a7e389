import path from 'node:path';
import { DlserveError } from '../ground/errors';
import type { LogLevel } from '../ground/log-levels';
import { describe } from '../ground/value-types';
import { workingDirectory } from '../ground/working-directory';
import type { PluginRoute } from '../plugin/route';
import type { Mode, PluginSettings } from '../plugin/runtime';
import { EMPTY, isTable, optionsDocument } from './document';
import { parseDocument, readText } from './file';
import { FILE, SERVER, type KeyOwner, type Reload } from './keys';
import { Layers } from './layers';
import { unknownKeys, unknownVariables, unusedKeys, unusedOptions, type Note } from './notes';
import type { HostOptions } from './options';
import { isolated, readPlugins, type CompileFlags } from './plugins';

export type { HostOptions, PluginOptions, RouteOptions } from './options';
export type { CompileFlags } from './plugins';
export type { Note } from './notes';

/** The whole configuration, checked. Durations are milliseconds, sizes bytes. */
export interface Config {
  /** Absolute. */
  readonly pluginpath: string;
  /** The configuration file, absolute; undefined where there is none. */
  readonly file: string | undefined;
  /** What is in it; null where there is none. */
  readonly text: string | null;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly bodylimit: number;
    readonly bodybudget: number;
    readonly writetimeout: number;
    readonly workers: number;
    readonly fastlane: boolean;
    readonly stoptimeout: number;
  };
  readonly log: { readonly level: LogLevel };
  /** What plugins may keep, and the folder where, absolute; undefined: in memory. */
  readonly state: { readonly file: string | undefined; readonly keys: number; readonly valuelimit: number; readonly limit: number };
  /** What makes a server look for plugins that have changed. */
  readonly reload: Reload;
  /** Whether sources are compiled at start. */
  readonly build: boolean;
  /** What a compiler may take; memory 0 is no limit. */
  readonly buildLimits: { readonly time: number; readonly memory: number };
  /** Every mode that some plugin may run in. */
  readonly modes: ReadonlySet<Mode>;
  /** `[plugins]`, overlaid by `[plugin.NAME]`. */
  settings(name: string): PluginSettings;
  /** The same as they were if its mode was "process". */
  isolated(name: string): PluginSettings;
  /** Flags for the compiler of a plugin's source. */
  compile(name: string): CompileFlags;
  /** The plugins to which it gives routes of their own. */
  readonly routes: ReadonlyMap<string, readonly PluginRoute[]>;
  /** The plugins that have a section of their own, and where it stands. */
  readonly sections: ReadonlyMap<string, string>;
  /** What is to be said once at start. */
  readonly notes: readonly Note[];
}

/**
 * Reads the configuration of a server: flags beat environment variables beat the file beat defaults.
 * @param input.flags by name, in camel case as commander gives them (`logLevel`); those that set no key are ignored
 * @param input.cwd the working directory, which relative paths count from
 * @param input.text of the file, where that was read already: it may be a pipe, or have changed since
 * @param input.runtimes whose keys there are besides the host's
 * @throws DlserveError BAD_CONFIG
 */
export async function loadConfig(input: {
  flags: Record<string, string | undefined>;
  env: NodeJS.ProcessEnv;
  cwd: string;
  text?: string | null | undefined;
  runtimes: readonly KeyOwner[];
}): Promise<Config> {
  const { flags, env, cwd, runtimes } = input;
  const flag = flags[FILE.flag];
  const variable = env[FILE.env] || undefined;
  const name = flag ?? variable ?? FILE.default;
  const namedBy = flag !== undefined ? `--${FILE.flag}` : variable && FILE.env;
  const text = input.text === undefined ? ((await readText(name, cwd, namedBy)) ?? null) : input.text;
  const document = text === null ? EMPTY : parseDocument(name, text);
  const file = text === null ? undefined : path.resolve(cwd, name);
  return assemble(new Layers(document, env, flags), runtimes, { file, text }, () => cwd, unknownVariables(env, runtimes));
}

/**
 * The configuration of an embedded host: the same keys as a typed object, the same checks.
 * @throws DlserveError BAD_CONFIG
 */
export function configFromOptions(options: HostOptions, runtimes: readonly KeyOwner[]): Config {
  const given: unknown = options;
  if (!isTable(given)) throw new DlserveError('BAD_CONFIG', { reason: `options must be an object, not ${describe(given)}` });
  const document = optionsDocument(options);
  return assemble(new Layers(document, {}, {}), runtimes, { file: undefined, text: null }, workingDirectory, unusedOptions(document));
}

function assemble(
  layers: Layers,
  runtimes: readonly KeyOwner[],
  from: Pick<Config, 'file' | 'text'>,
  cwd: () => string,
  notes: readonly Note[],
): Config {
  for (const section of ['http', 'log', 'state', 'plugins', 'plugin']) layers.checkTable([section]);
  const plugins = readPlugins(layers, runtimes);
  const absolute = (place: string): string => path.resolve(path.isAbsolute(place) ? '' : cwd(), place);
  const stateFile = layers.read(SERVER.stateFile);
  return {
    pluginpath: absolute(layers.read(SERVER.pluginpath)),
    ...from,
    http: {
      host: layers.read(SERVER.host),
      port: layers.read(SERVER.port),
      bodylimit: layers.read(SERVER.bodylimit),
      bodybudget: layers.read(SERVER.bodybudget),
      writetimeout: layers.read(SERVER.writetimeout),
      workers: layers.read(SERVER.httpWorkers),
      fastlane: layers.read(SERVER.fastlane),
      stoptimeout: layers.read(SERVER.stoptimeout),
    },
    log: { level: layers.read(SERVER.level) },
    state: {
      file: stateFile === undefined ? undefined : absolute(stateFile),
      keys: layers.read(SERVER.stateKeys),
      valuelimit: layers.read(SERVER.stateValueLimit),
      limit: layers.read(SERVER.stateLimit),
    },
    reload: layers.read(SERVER.reload),
    build: layers.read(SERVER.build),
    buildLimits: { time: layers.read(SERVER.buildtimeout), memory: layers.read(SERVER.buildmemory) },
    modes: plugins.modes,
    settings: (name) => plugins.of(name).settings,
    isolated: (name) => isolated(plugins.of(name)),
    compile: (name) => plugins.of(name).compile,
    routes: new Map(Array.from(plugins.named, ([name, { settings }]) => [name, settings.routes] as const).filter(([, routes]) => routes.length > 0)),
    sections: new Map(Array.from(plugins.named.keys(), (name) => [name, layers.document.where(['plugin', name])])),
    notes: [...unknownKeys(layers.document, runtimes), ...unusedKeys(layers, plugins, runtimes), ...notes],
  };
}
