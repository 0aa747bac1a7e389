import type { RequestHandler } from 'express';
import { createLog, silentLog, type Logger } from '../ground/log';
import { configFromOptions, type Config, type HostOptions } from '../config/load';
import { NO_BUILDS, startBuilds, type Builds } from '../host/builds';
import { listOffers, type Offer } from '../host/endpoints';
import { Host } from '../host/host';
import { Runtimes } from '../runtimes';
import type { ToolchainOptions } from '../toolchain/build';
import { Endpoint } from './endpoint';
import { endpointUnsupported } from './platform';
import { createRouter } from './router';

/** Everything behind `/_PLUGIN/{file}/{func}`, for a person's own Express app and for `dlserve serve` alike. */
export class PluginHost {
  readonly #config: Config;
  readonly #host: Host;
  /** undefined on a platform without the endpoint. */
  readonly endpoint: Endpoint | undefined;

  private constructor(config: Config, runtimes: Runtimes, builds: Builds, log: Logger) {
    this.#config = config;
    const { pluginpath } = config;
    this.#host = new Host({ pluginpath, settings: (name) => config.settings(name), runtimes, builds, log });
    const unsupported = endpointUnsupported();
    if (unsupported === undefined) this.endpoint = new Endpoint(this.#host, log, config.http.bodylimit);
    else log.warn(unsupported);
  }

  /**
   * @param builds where plugins under construction are waited for
   * @throws DlserveError RUNNER_MISSING where a plugin is to run in mode "process" and can't
   */
  static async create(config: Config, builds: Builds, log: Logger): Promise<PluginHost> {
    const runtimes = new Runtimes();
    if (endpointUnsupported() === undefined && config.modes.has('process')) await runtimes.get('process');
    return new PluginHost(config, runtimes, builds, log);
  }

  /** The endpoint as Express takes it, by `app.use` or `router.use`: mount it anywhere, before body parsers. */
  router(): RequestHandler {
    return createRouter(this.endpoint);
  }

  /** What the libraries in pluginpath answer, read without opening them. */
  offers(): Promise<Offer[]> {
    return listOffers(this.#config.pluginpath);
  }

  /**
   * Ends compilers, finishes the calls under way, calls each plugin's PluginStop and lets go of the libraries. New calls
   * answer 503 STOPPING.
   * @param limit milliseconds for all of it; `http.stoptimeout` unless given
   */
  close(limit = this.#config.http.stoptimeout): Promise<void> {
    return this.#host.close(limit);
  }
}

/**
 * Starts compiling the sources that a configuration asks for.
 * @param onProgress told how each source fares
 */
export function buildsOf(config: Config, log: Logger, onProgress?: ToolchainOptions['onProgress']): Builds {
  if (!config.build || endpointUnsupported() !== undefined) return NO_BUILDS;
  return startBuilds({ pluginpath: config.pluginpath, flags: (name) => config.compile(name), log, onProgress });
}

/**
 * A plugin host for a person's own Express app:
 *
 *     const host = await createPluginHost({ pluginpath: './lib' });
 *     app.use(host.router());
 *
 * @param options the keys of prest.toml as an object; environment variables and files don't count here
 * @param log a pino logger; without one, `options.log.level` says what goes to standard error, and nothing does by default
 * @throws DlserveError BAD_CONFIG, RUNNER_MISSING
 */
export async function createPluginHost(options: HostOptions = {}, log?: Logger): Promise<PluginHost> {
  const config = configFromOptions(options);
  const ownLog = log ?? (options.log?.level === undefined ? silentLog() : createLog(config.log.level));
  for (const { level, message } of config.notes) ownLog[level](message);
  return PluginHost.create(config, buildsOf(config, ownLog), ownLog);
}
