import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import type { PluginOptions } from '../config/load';
import type { Plugin, Route } from '../plugin/lifecycle/plugin';
import { checkNames, PREFIX } from '../plugin/name';
import { endpointUnsupported } from '../http/platform';
import type { AnyCallOptions, StreamOptions, WholeOptions } from './call-options';
import type { CallReply } from './call-reply';
import { createPluginHost } from './create-plugin-host';
import type { PluginHost } from './plugin-host';

/** What a configuration may say of the library. */
export type LibraryOptions = Omit<PluginOptions, 'start' | 'after' | 'required'> & {
  /** What its PluginInit gets, as JSON. */
  config?: Readonly<Record<string, unknown>>;
};

/** A compiled library as a plugin. */
export interface LibraryPlugin extends Plugin {
  /** Opens the library: its PluginInit. @throws DlserveError as the first request of it would be answered */
  start(): Promise<void>;
  /** Finishes its calls and closes it: its PluginStop. */
  stop(): Promise<void>;
  /**
   * One for each of its handlers, at the path that `dlserve serve` has for it, and those of its own, from PluginRoutes and PluginFactory.
   * They are known when it has been started once.
   */
  routes(): readonly Route[];
  /** Calls a handler, as `host.call` does. @throws DlserveError also where it does not run */
  call(func: string, options: StreamOptions): Promise<CallReply<Readable>>;
  call(func: string, options?: WholeOptions): Promise<CallReply>;
}

/**
 * A `Factory` of plugins that are a compiled library, each with a host of its own.
 *
 *     registry.register(loadSo('./lib/image.so', { mode: 'process' })());
 *
 * @param file its path; a relative one counts from the working directory. The plugin's name is the file's, without its ending
 * @param options the keys of `[plugin.NAME]`
 * @param log as createPluginHost takes it
 * @throws DlserveError BAD_NAME for a file that can't be a plugin's. Whether it is there is found out by `start`
 */
export function loadSo(file: string, options: LibraryOptions = {}, log?: Logger): () => LibraryPlugin {
  const { dir, name } = path.parse(path.resolve(file));
  checkNames(name, 'Any');
  return () => new Library(name, () => createPluginHost({ pluginpath: dir, plugins: { build: false }, plugin: { [name]: { ...options, start: 'server' } } }, log));
}

class Library implements LibraryPlugin {
  #host: PluginHost | undefined;
  /** The host that routes lead to: a closed one answers that it is. */
  #last: PluginHost | undefined;
  #routes: readonly Route[] = [];

  constructor(
    private readonly own: string,
    private readonly createHost: () => Promise<PluginHost>,
  ) {}

  name(): string {
    return this.own;
  }

  async start(): Promise<void> {
    if (this.#host !== undefined) return;
    const unsupported = endpointUnsupported();
    if (unsupported !== undefined) throw new DlserveError('UNSUPPORTED_PLATFORM', { reason: unsupported });
    const host = await this.createHost();
    const [failed] = await host.start();
    if (failed !== undefined) {
      await host.close();
      throw failed.error;
    }
    const info = (await host.plugins()).find(({ name }) => name === this.own);
    const handlers = (info?.handlers ?? []).filter(({ path: place }) => place.startsWith(PREFIX));
    this.#routes = [
      ...handlers.map(({ method, path: place }): Route => ({ method, path: place, handler: (req, res) => this.#answer(place, req, res) })),
      ...host.routesOf(this.own).map((route): Route => ({ method: route.method, path: route.path, handler: (req, res) => this.#last!.endpoint!.handleRoute(req, res, route) })),
    ];
    this.#host = this.#last = host;
  }

  async stop(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.close();
  }

  routes(): readonly Route[] {
    return this.#routes;
  }

  call(func: string, options: StreamOptions): Promise<CallReply<Readable>>;
  call(func: string, options?: WholeOptions): Promise<CallReply>;
  async call(func: string, options?: AnyCallOptions): Promise<CallReply<Buffer | Readable>> {
    if (this.#host === undefined) throw new DlserveError('UNAVAILABLE', { plugin: this.own, reason: 'it does not run' });
    return this.#host.call(this.own, func, options as WholeOptions | undefined);
  }

  /** Wherever the route is served. */
  #answer(route: string, req: IncomingMessage, res: ServerResponse): void {
    const url = req.url ?? '';
    const mark = url.indexOf('?');
    this.#last!.handle(req, res, route + (mark === -1 ? '' : url.slice(mark)));
  }
}
