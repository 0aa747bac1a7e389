import type { Mode } from '../plugin/runtime';
import type { LogLevel } from '../ground/log-levels';

/** `[plugins]` as an object; durations and sizes are text with a unit, as in the file. */
export interface PluginOptions {
  mode?: Mode;
  /** For example "30s". */
  timeout?: string;
  queue?: number;
  concurrency?: number;
  ownsymbols?: boolean;
  workers?: number;
  /** For example "512MB"; "" is no limit. */
  memory?: string;
  crashes?: number;
  crashwindow?: string;
  rest?: string;
  demote?: boolean;
  cflags?: readonly string[];
  ldflags?: readonly string[];
}

/** The configuration of an embedded host: prest.toml as an object. Environment variables don't count here. */
export interface HostOptions {
  /** The folder of the libraries; a relative one counts from the working directory. */
  pluginpath?: string;
  http?: {
    /** For example "1MB". */
    bodylimit?: string;
    /** For example "256MB". */
    bodybudget?: string;
    /** For example "30s". */
    writetimeout?: string;
    /** The limit of host.close(), for example "10s". */
    stoptimeout?: string;
  };
  log?: { level?: LogLevel };
  /** For every plugin. */
  plugins?: PluginOptions & {
    build?: boolean;
    /** For example "10m". */
    buildtimeout?: string;
    /** For example "4GB"; "" is no limit. */
    buildmemory?: string;
  };
  /** For one plugin, by its name; `config` is what its PluginInit gets, as JSON. */
  plugin?: Readonly<Record<string, PluginOptions & { config?: Readonly<Record<string, unknown>> }>>;
}
