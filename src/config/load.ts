import path from 'node:path';
import type { Mode, PluginSettings } from '../contract/runtime';
import type { LogLevel } from '../ground/log';
import { DlserveError } from '../ground/errors';
import { EMPTY, isTable, optionsDocument } from './document';
import { readDocument } from './file';
import { FILE, SERVER } from './keys';
import type { HostOptions } from './options';
import { readPlugins, type CompileFlags } from './plugins';
import { Sources } from './sources';
import { describe } from './types';
import { unknownKeys, unknownVariables, type Note } from './unknown';

export type { HostOptions, PluginOptions } from './options';
export type { CompileFlags } from './plugins';
export type { Note } from './unknown';

/** The whole configuration, checked. Durations are milliseconds, sizes bytes. */
export interface Config {
  /** Absolute. */
  readonly pluginpath: string;
  /** The configuration file, absolute; undefined where there is none. */
  readonly file: string | undefined;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly bodylimit: number;
    readonly workers: number;
    readonly fastlane: boolean;
    readonly stoptimeout: number;
  };
  readonly log: { readonly level: LogLevel };
  /** Whether sources are compiled at start. */
  readonly build: boolean;
  /** Every mode that some plugin may run in. */
  readonly modes: ReadonlySet<Mode>;
  /** `[plugins]`, overlaid by `[plugin.NAME]`. */
  settings(name: string): PluginSettings;
  /** Flags for the compiler of a plugin's source. */
  compile(name: string): CompileFlags;
  /** What is to be said once at start. */
  readonly notes: readonly Note[];
}

/**
 * Reads the configuration of a server: flags beat environment variables beat the file beat defaults.
 * @param input.flags by name, in camel case as commander gives them (`logLevel`); those that set no key are ignored
 * @param input.cwd the working directory, which relative paths count from
 * @throws DlserveError BAD_CONFIG
 */
export async function loadConfig(input: {
  flags: Record<string, string | undefined>;
  env: NodeJS.ProcessEnv;
  cwd: string;
}): Promise<Config> {
  const { flags, env, cwd } = input;
  const flag = flags[FILE.flag];
  const variable = env[FILE.env] || undefined;
  const name = flag ?? variable ?? FILE.default;
  const namedBy = flag !== undefined ? `--${FILE.flag}` : variable && FILE.env;
  const document = await readDocument(name, cwd, namedBy);
  const file = document && path.resolve(cwd, name);
  return assemble(new Sources(document ?? EMPTY, env, flags), file, cwd, unknownVariables(env));
}

/**
 * The configuration of an embedded host: the same keys as a typed object, the same checks.
 * @throws DlserveError BAD_CONFIG
 */
export function configFromOptions(options: HostOptions): Config {
  const given: unknown = options;
  if (!isTable(given)) throw new DlserveError('BAD_CONFIG', { reason: `options must be an object, not ${describe(given)}` });
  return assemble(new Sources(optionsDocument(options), {}, {}), undefined, process.cwd(), []);
}

function assemble(sources: Sources, file: string | undefined, cwd: string, notes: readonly Note[]): Config {
  for (const section of ['http', 'log', 'plugins', 'plugin']) sources.checkTable([section]);
  const plugins = readPlugins(sources);
  return {
    pluginpath: path.resolve(cwd, sources.read(SERVER.pluginpath)),
    file,
    http: {
      host: sources.read(SERVER.host),
      port: sources.read(SERVER.port),
      bodylimit: sources.read(SERVER.bodylimit),
      workers: sources.read(SERVER.httpWorkers),
      fastlane: sources.read(SERVER.fastlane),
      stoptimeout: sources.read(SERVER.stoptimeout),
    },
    log: { level: sources.read(SERVER.level) },
    build: sources.read(SERVER.build),
    modes: plugins.modes,
    settings: (name) => plugins.of(name).settings,
    compile: (name) => plugins.of(name).compile,
    notes: [...unknownKeys(sources.document), ...notes],
  };
}
