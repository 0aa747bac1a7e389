import type FindMyWay from 'find-my-way';
import { DlserveError } from '../ground/errors';
import { segmentsOf, shapeOf, titleOf, type PluginRoute, type Segment } from '../plugin/route';

/** A route in the table. */
export interface TableRoute extends PluginRoute {
  readonly plugin: string;
  /** The names in its path, in order. */
  readonly names: readonly string[];
  /** The last of them is for all the rest. */
  readonly rest: boolean;
}

/** What a request comes to: a route and what stands in the places of its names; or the methods that its path answers. */
export type Found = { readonly route: TableRoute; readonly values: readonly string[] } | { readonly allow: string };

type Router = FindMyWay.Instance<FindMyWay.HTTPVersion.V1>;

/** Longer than any path that node:http lets in. */
const MAX_VALUE = 1024 * 1024;

/** A path with a segment that clients take out before they send it: whoever sends it all the same means to leave a folder. */
const DOTS = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** The routes of all plugins' own, beside those at /_PLUGIN/. What matches them is loaded with the first. */
export class Routes {
  /** By plugin: those that the configuration gives it, which lead to it before it is open, and those that it says itself. */
  readonly #configured = new Map<string, readonly TableRoute[]>();
  readonly #admitted = new Map<string, readonly TableRoute[]>();
  #router: Router | undefined;
  #methods: readonly string[] = [];

  /** Whether there is none, so that nobody need ask. */
  get isEmpty(): boolean {
    return this.#router === undefined;
  }

  /** The routes of a plugin, as they are now. */
  of(plugin: string): readonly TableRoute[] {
    return [...(this.#configured.get(plugin) ?? []), ...(this.#admitted.get(plugin) ?? [])];
  }

  /** Lets in the routes that the configuration gives a plugin; they stay. It was checked that they don't clash. */
  configure(plugin: string, routes: readonly PluginRoute[]): void {
    if (routes.length === 0) return;
    this.#configured.set(plugin, routes.map((route) => tableRoute(plugin, route)));
    this.#rebuild();
  }

  /**
   * Lets in the routes that a plugin says itself, in place of those that it has said before.
   * @param library its file's name, for the message
   * @throws DlserveError LOAD_FAILED where two answer the same requests, which names both; the table is then as it was
   */
  admit(plugin: string, routes: readonly PluginRoute[], library: string): void {
    const before = this.#admitted.get(plugin);
    if (routes.length === 0 && before === undefined) return;
    const admitted = routes.map((route) => tableRoute(plugin, route));
    this.#check(plugin, admitted, library);
    this.#admitted.set(plugin, admitted);
    this.#rebuild();
  }

  /** Takes out the routes that a plugin has said itself. */
  release(plugin: string): void {
    if (this.#admitted.delete(plugin)) this.#rebuild();
  }

  /**
   * What answers a request.
   * @param path as it came, without the query
   * @returns undefined where no route has this path
   */
  find(method: string, path: string): Found | undefined {
    const router = this.#router;
    if (router === undefined || path.startsWith('/_') || DOTS.test(path)) return undefined;
    const match = find(router, method, path) ?? (method === 'HEAD' ? find(router, 'GET', path) : undefined);
    if (match !== undefined) return match;
    const methods = this.#methods.filter((other) => find(router, other, path) !== undefined);
    if (methods.length === 0) return undefined;
    const allow = new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS']);
    return { allow: [...allow].sort().join(', ') };
  }

  #all(): TableRoute[] {
    return [...this.#configured.values(), ...this.#admitted.values()].flat();
  }

  #check(plugin: string, admitted: readonly TableRoute[], library: string): void {
    const said = this.#admitted.get(plugin);
    const taken = new Map(this.#all().filter((route) => said?.includes(route) !== true).map((route) => [shapeOf(route), route]));
    for (const route of admitted) {
      const other = taken.get(shapeOf(route));
      if (other !== undefined) {
        const reason = `its route ${titleOf(route)} clashes with ${titleOf(other)} of ${other.plugin === plugin ? 'its own' : other.plugin}`;
        throw new DlserveError('LOAD_FAILED', { library, reason });
      }
      taken.set(shapeOf(route), route);
    }
  }

  /** The router would do so for each route that is taken out. */
  #rebuild(): void {
    const routes = this.#all();
    const router = routes.length === 0 ? undefined : newRouter();
    for (const route of routes) router!.on(route.method as FindMyWay.HTTPMethod, patternOf(route.path), nothing, route);
    this.#router = router;
    this.#methods = [...new Set(routes.map(({ method }) => method))];
  }
}

const nothing = (): void => undefined;

function newRouter(): Router {
  const create = require('find-my-way') as typeof FindMyWay;
  return create({ maxParamLength: MAX_VALUE });
}

function tableRoute(plugin: string, { method, path, handler }: PluginRoute): TableRoute {
  const named = segmentsOf(path).flatMap((segment) => ('name' in segment ? [segment] : []));
  return { method, path, handler, plugin, names: named.map(({ name }) => name), rest: named.at(-1)?.rest === true };
}

/** As the router writes paths: the names are their places, for what a plugin calls them must not matter to it. */
function patternOf(path: string): string {
  let place = 0;
  const write = (segment: Segment): string => {
    if ('text' in segment) return segment.text.replaceAll(':', '::');
    return segment.rest ? '*' : `:${place++}`;
  };
  return `/${segmentsOf(path).map(write).join('/')}`;
}

function find(router: Router, method: string, path: string): { route: TableRoute; values: string[] } | undefined {
  const match = router.find(method as FindMyWay.HTTPMethod, path);
  if (match === null) return undefined;
  // The rest of a path comes as "*", last.
  const values = Object.values(match.params as Readonly<Record<string, string>>);
  const route = match.store as TableRoute;
  // A name is for one segment, and nothing is none.
  if (values.some((value, place) => value === '' && !(route.rest && place === values.length - 1))) return undefined;
  return { route, values };
}
