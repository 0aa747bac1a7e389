import type { Router } from 'express';
import { createLog, silentLog, type Logger } from '../ground/log';
import { configFromOptions, type Config, type HostOptions } from '../config/load';
import { listOffers, type Offer } from '../host/endpoints';
import { Host, type Builder } from '../host/host';
import { Runtimes } from '../runtimes';
import { Toolchain, type ToolchainOptions } from '../toolchain/build';
import { Endpoint } from './endpoint';
import { endpointUnsupported } from './platform';
import { createRouter } from './router';

const NOTHING_TO_WAIT_FOR: Builder = { wait: () => undefined };

/** Everything behind `/_PLUGIN/{file}/{func}`, for a person's own Express app and for `dlserve serve` alike. */
export class PluginHost {
  readonly #config: Config;
  readonly #host: Host;
  readonly #toolchain: Toolchain | undefined;
  readonly #built: Promise<unknown>;
  /** undefined on a platform without the endpoint. */
  readonly endpoint: Endpoint | undefined;

  private constructor(config: Config, runtimes: Runtimes, toolchain: Toolchain | undefined, log: Logger) {
    this.#config = config;
    this.#toolchain = toolchain;
    this.#built = toolchain?.build() ?? Promise.resolve();
    this.#host = new Host({
      pluginpath: config.pluginpath,
      settings: (name) => config.settings(name),
      runtimes,
      builder: toolchain ?? NOTHING_TO_WAIT_FOR,
      log,
    });
    const unsupported = endpointUnsupported();
    if (unsupported === undefined) this.endpoint = new Endpoint(this.#host, log, config.http.bodylimit);
    else log.warn(unsupported);
  }

  /**
   * Makes a host and starts compiling its sources; a request for a plugin under construction waits for it.
   * @param onProgress told how each source fares
   * @throws DlserveError RUNNER_MISSING where a plugin is to run in mode "process" and can't
   */
  static async create(config: Config, onProgress: ToolchainOptions['onProgress'], log: Logger): Promise<PluginHost> {
    const runtimes = new Runtimes();
    if (endpointUnsupported() === undefined && config.modes.has('process')) await runtimes.get('process');
    const { pluginpath, build } = config;
    const flags = config.compile.bind(config);
    return new PluginHost(config, runtimes, build ? new Toolchain({ pluginpath, log, flags, onProgress }) : undefined, log);
  }

  /** Resolves when every source has been compiled, or has failed to. */
  async built(): Promise<void> {
    await this.#built;
  }

  /** The endpoint as an Express router: mount it anywhere, before body parsers. */
  router(): Router {
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
  async close(limit = this.#config.http.stoptimeout): Promise<void> {
    await Promise.all([this.#toolchain?.stop(), this.#host.close(limit)]);
  }
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
  return PluginHost.create(config, undefined, ownLog);
}
