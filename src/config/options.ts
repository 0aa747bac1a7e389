import type { Mode, Start } from '../plugin/runtime';
import type { Service } from '../plugin/services';
import type { LogLevel } from '../ground/log-levels';
import type { Reload } from './keys';

/** `[plugins]` as an object; durations and sizes are text with a unit, as in the file. */
export interface PluginOptions {
  mode?: Mode;
  /** For example "30s". */
  timeout?: string;
  /** Unless given, the same as `timeout`. */
  queuetimeout?: string;
  /** Between two parts of a reply; "0s" is for ever. Unless given, the same as `timeout`. */
  parttimeout?: string;
  queue?: number;
  concurrency?: number;
  /** "request" by default. */
  start?: Start;
  after?: readonly string[];
  required?: boolean;
  faultreports?: number;
  ownsymbols?: boolean;
  /** A number, or the fewest and the most: "1-4". */
  workers?: number | string;
  scaleafter?: string;
  scaleidle?: string;
  retry?: boolean;
  /** For example "512MB"; "" is no limit. */
  memory?: string;
  crashes?: number;
  crashwindow?: string;
  faultshare?: number;
  faultcalls?: number;
  rest?: string;
  /** The {func} of a GET handler. */
  trial?: string;
  demote?: boolean;
  cflags?: readonly string[];
  ldflags?: readonly string[];
}

/** A route of a plugin's own, `[[plugin.NAME.route]]`. */
export interface RouteOptions {
  /** For example "GET". */
  method: string;
  /** For example "/hello/{name}". */
  path: string;
  /** The symbol of the function that answers. */
  handler: string;
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
  /** What plugins may keep by the service `state`. */
  state?: {
    /** The folder; a relative one counts from the working directory. Unless given, it is kept in memory, until the host is closed. */
    file?: string;
    keys?: number;
    /** For example "1MB". */
    valuelimit?: string;
    /** For example "64MB". */
    limit?: string;
  };
  /** What plugins may ask this program for, by names that are none of dlserve's own. */
  services?: Readonly<Record<string, Service>>;
  /** For every plugin. */
  plugins?: PluginOptions & {
    reload?: Reload;
    build?: boolean;
    /** For example "10m". */
    buildtimeout?: string;
    /** For example "4GB"; "" is no limit. */
    buildmemory?: string;
  };
  /** For one plugin, by its name; `config` is what its PluginInit gets, as JSON, `route` are its routes beside /_PLUGIN/. */
  plugin?: Readonly<Record<string, PluginOptions & { config?: Readonly<Record<string, unknown>>; route?: readonly RouteOptions[] }>>;
}
