import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import { surface } from '../ground/surface';
import type { Config } from '../config/load';
import type { Builds } from '../host/builds';
import { openDeclaring } from '../host/declaring';
import { listNames } from '../host/find';
import { Host } from '../host/host';
import { knownPlugins } from '../host/known-plugins';
import { overview, type PluginInfo } from '../host/overview';
import type { HostEvents, HostParts } from '../host/parts';
import type { Readiness } from '../host/readiness';
import { reloadChanged } from '../host/reload-changed';
import type { TableRoute } from '../host/routes';
import { lateState } from '../host/services/state/late-state';
import type { Watching } from '../host/watch';
import { Budget } from '../http/body-budget';
import { Endpoint } from '../http/endpoint';
import type { AnyRequest, AnyResponse } from '../http/http2';
import { endpointUnsupported } from '../http/platform';
import { createRouter, type Middleware } from '../http/router';
import type { VisitRules } from '../http/visit';
import type { PluginError } from '../plugin/lifecycle/registry';
import { checkNames } from '../plugin/name';
import { ENDINGS, RUNTIMES } from '../runtimes/registry';
import type { BuildEvent } from '../toolchain/toolchain';
import { callHandler } from './call';
import type { AnyCallOptions, StreamOptions, WholeOptions } from './call-options';
import type { CallReply } from './call-reply';
import { fastifyPlugin, type FastifyPlugin } from './fastify';

/** What a host tells. */
export interface PluginEvents extends Omit<HostEvents, 'demoted'> {
  /** A source was looked at: it is being built, or was built, or could not be. */
  built: [BuildEvent];
}

/** How a host is besides what its configuration says. @internal */
export type HostBehaviour = Pick<HostParts, 'showsBuildErrors' | 'services'> & Partial<Pick<HostParts, 'state'>>;

/** Everything behind `/_PLUGIN/{file}/{func}`, for a program of one's own and for `dlserve serve` alike. */
export class PluginHost extends EventEmitter<PluginEvents> {
  readonly #config: Config;
  readonly #builds: Builds;
  readonly #host: Host;
  /** Looks for plugins that say their routes themselves. */
  #declaring: Promise<unknown> = Promise.resolve();
  #watching: Watching | undefined;
  #started: Promise<PluginError[]> | undefined;
  /** The door; undefined on a platform without it. @internal */
  readonly endpoint: Endpoint | undefined;

  /**
   * @param builds where plugins under construction are waited for
   * @internal
   */
  constructor(config: Config, builds: Builds, log: Logger, options: HostBehaviour = {}) {
    super();
    const unsupported = endpointUnsupported();
    this.#config = config;
    this.#builds = builds;
    const { pluginpath } = config;
    this.#host = new Host({
      pluginpath,
      settings: (name) => config.settings(name),
      isolated: (name) => config.isolated(name),
      builds,
      routes: config.routes,
      log,
      state: lateState(config.state),
      ...options,
    });
    this.#host.on('state', (change) => this.tell('state', change)).on('fault', (report) => this.tell('fault', report));
    this.#host.on('reloaded', (change) => this.tell('reloaded', change));
    if (unsupported === undefined) this.endpoint = new Endpoint(this.#host, rulesOf(config, log));
    else log.warn(unsupported);
  }

  /** A listener that throws does so where the host is not in the middle of something. @internal */
  tell<Name extends keyof PluginEvents>(event: Name, ...about: PluginEvents[Name]): void {
    try {
      (this as EventEmitter).emit(event, ...about);
    } catch (error) {
      surface(error);
    }
  }

  /**
   * Answers a request of node:http, of HTTPS or of HTTP/2's compatibility API, if its path is a plugin's.
   * @param url where plugins are served below a prefix: the URL without it
   * @returns false when the path is none of the plugins'; the request is then untouched
   */
  handle(req: AnyRequest, res: AnyResponse, url = req.url ?? ''): boolean {
    return this.endpoint?.handle(req, res, url) ?? false;
  }

  /** The routes of a plugin's own; those that it says itself are known once it is open. @internal */
  routesOf(plugin: string): readonly TableRoute[] {
    return this.#host.routes.of(plugin);
  }

  /** The same as middleware for Express, by `app.use` or `router.use`: mount it anywhere, before body parsers. */
  router(): Middleware {
    return createRouter(this.endpoint);
  }

  /** The same as a plugin of Fastify 4 and 5, for `app.register`. */
  fastify(): FastifyPlugin {
    return fastifyPlugin((req, res, url) => this.handle(req, res, url));
  }

  /**
   * Calls a handler without HTTP: the way of native code into any program, in each mode.
   * @param plugin the `{file}` of its route
   * @param func the `{func}` of its route
   * @throws DlserveError as a request would be answered; or the reason of the signal, or what went wrong in a body that is a stream
   */
  call(plugin: string, func: string, options: StreamOptions): Promise<CallReply<Readable>>;
  call(plugin: string, func: string, options?: WholeOptions): Promise<CallReply>;
  async call(plugin: string, func: string, options: AnyCallOptions = {}): Promise<CallReply<Buffer | Readable>> {
    const unsupported = endpointUnsupported();
    if (unsupported !== undefined) throw new DlserveError('UNSUPPORTED_PLATFORM', { reason: unsupported });
    return callHandler(this.#host, plugin, func, options, this.#config.http.bodylimit);
  }

  /** See Host. @internal */
  endStreams(limit: number): void {
    this.#host.endStreams(limit);
  }

  /** @internal */
  get isClosed(): boolean {
    return this.#host.isClosed;
  }

  /** How every plugin is: those that are open, and those whose file or source is there. */
  plugins(): Promise<PluginInfo[]> {
    return overview(this.#host, this.#builds, this.#config.pluginpath, (name) => this.#config.settings(name));
  }

  /** Resolves when every source has been compiled, or has failed to: {@link plugins} says which. */
  async ready(): Promise<void> {
    await this.#builds.finished;
  }

  /**
   * Opens what is in pluginpath now under that name, and has it answer once it is initialised and, with the key `trial`, tried out; what
   * answers until then finishes what it has. No call is lost. Where that fails, the last generation goes on, and the plugin is `degraded`.
   * @returns the number of the generation that answers then
   * @throws DlserveError LIBRARY_NOT_FOUND, BUILD_FAILED, LOAD_FAILED, ABI_UNSUPPORTED, INIT_FAILED, TRIAL_FAILED, UNAVAILABLE, STOPPING
   */
  async reload(plugin: string): Promise<number> {
    checkNames(plugin, 'Any');
    return this.#host.reload(plugin);
  }

  /**
   * Has the generation before answer again, opened anew.
   * @returns the number of the generation that answers then
   * @throws DlserveError BAD_CALL where there is none, and what opening it throws
   */
  async rollback(plugin: string): Promise<number> {
    checkNames(plugin, 'Any');
    return this.#host.rollback(plugin);
  }

  /** Reloads every open plugin whose file has changed, and closes those whose file is gone. Never rejects: the log says what fails. */
  async reloadChanged(): Promise<void> {
    await reloadChanged(this.#host);
    const names = await listNames(this.#config.pluginpath, ENDINGS);
    await Promise.allSettled(names.filter((name) => !this.#host.slots.has(name)).map((name) => this.changed(name)));
  }

  /**
   * Has a plugin run in mode "process" until its file changes.
   * @param fingerprint of the file that has earned it, if it is not that which is open
   * @internal
   */
  demote(plugin: string, reason: string, fingerprint?: string): Promise<void> {
    return this.#host.demote(plugin, reason, fingerprint);
  }

  /** @param listener told of each plugin that this host demotes by itself @internal */
  onDemoted(listener: (demotion: HostEvents['demoted'][0]) => void): void {
    this.#host.on('demoted', listener);
  }

  /** Its file, or its source, may have changed, or may be new. @internal */
  async changed(plugin: string): Promise<void> {
    await this.#host.changed(plugin);
    await this.#openDeclaring([plugin]);
  }

  #openDeclaring(names: Iterable<string>): Promise<void> {
    return openDeclaring(this.#host, this.#builds, this.#config.pluginpath, names);
  }

  /** Looks for changes itself, where the configuration wants it. @internal */
  watchIfWanted(log: Logger): void {
    const { pluginpath, reload } = this.#config;
    if (reload !== 'watch') return;
    const { watchPlugins } = require('../host/watch') as typeof import('../host/watch');
    const target = { reload: (name: string) => this.changed(name), remove: (name: string) => this.remove(name) };
    this.#watching = watchPlugins({ pluginpath, builds: this.#builds, target, log });
  }

  /** Closes a plugin whose file is gone. @internal */
  remove(plugin: string): Promise<void> {
    return this.#host.remove(plugin);
  }

  /**
   * Begins to open the plugins that start with the server, and those that say their routes themselves.
   * @param names of all plugins that there are
   * @internal
   */
  begin(names: Iterable<string>): void {
    if (this.#started !== undefined) return;
    this.#started = this.#host.start(names);
    this.#declaring = this.#openDeclaring(names);
  }

  /**
   * Waits for the plugins with `start = "server"` or `required = true`, which are opened from the beginning, in the order that `after` says.
   * @returns what went wrong; those plugins are tried again, in the background. Never rejects
   */
  async start(): Promise<PluginError[]> {
    return this.#started ?? [];
  }

  /** Whether every plugin with `required = true` answers, and how each of them is. Never when the host is closed. */
  readiness(): Readiness {
    const { ready, plugins } = this.#host.readiness();
    return { ready: ready && this.#started !== undefined, plugins };
  }

  /**
   * Ends compilers, finishes the calls under way, calls each plugin's PluginStop and lets go of the plugins. New calls
   * answer 503 STOPPING.
   * @param limit milliseconds for all of it; `http.stoptimeout` unless given
   */
  async close(limit = this.#config.http.stoptimeout): Promise<void> {
    // Both begin at once: no call comes in any more.
    await Promise.all([this.#watching?.close(), this.#host.close(limit)]);
    await this.#declaring;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function rulesOf({ http }: Config, log: Logger): VisitRules {
  return { log, budget: new Budget(http.bodybudget), bodyLimit: http.bodylimit, writeTimeout: http.writetimeout };
}

/**
 * Makes sure that every mode that plugins are to run in is possible here.
 * @throws DlserveError RUNNER_MISSING
 */
export function checkModes({ modes }: Config): void {
  if (endpointUnsupported() !== undefined) return;
  for (const runtime of RUNTIMES) if (modes.has(runtime.mode)) runtime.check();
}

/**
 * Which plugins there are, before any is opened.
 * @throws DlserveError BAD_CONFIG for one that comes after a plugin that there is not
 */
export async function findPlugins(config: Config): Promise<ReadonlySet<string>> {
  return endpointUnsupported() === undefined ? knownPlugins(config) : new Set();
}
