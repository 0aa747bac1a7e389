import { DlserveError } from '../ground/errors';
import { METHODS, parseSymbol } from './name';

/** One route of a plugin's own, beside those at /_PLUGIN/. */
export interface PluginRoute {
  /** `GET` */
  readonly method: string;
  /** `/hello/{name}` */
  readonly path: string;
  /** The symbol of the function that answers it. */
  readonly handler: string;
}

/** A segment of a route's path: text as it is, or a name for what stands there; `rest` for all that follows. */
export type Segment = { readonly text: string } | { readonly name: string; readonly rest: boolean };

/** Routes that a plugin may have. */
export const MOST_ROUTES = 1000;
/** Bytes of the JSON in which a library says its routes. */
export const MAX_ROUTES_TEXT = 1024 * 1024;

const MAX_PATH = 1024;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** What no URL has undecoded, or not in a path. */
// eslint-disable-next-line no-control-regex -- the characters that a path can't have
const ILLEGAL = /[\u0000-\u0020\u007f?#%\\*{}\ud800-\udfff]/u;
const SYMBOL = /^[A-Za-z][A-Za-z0-9_]{0,250}$/;

/** Whether a name can be that of a function that answers a route: an identifier of C, not one that is a compiler's own. */
export function isRouteSymbol(name: string): boolean {
  return SYMBOL.test(name);
}

/**
 * The segments of a route's path.
 * @throws Error whose message is the end of a sentence that begins with the path
 */
export function segmentsOf(path: string): Segment[] {
  if (!path.startsWith('/')) throw new Error('must begin with "/"');
  if (path.length > MAX_PATH) throw new Error(`is longer than ${MAX_PATH} characters`);
  if (path.startsWith('/_')) throw new Error('begins with "/_", which is kept for dlserve itself');
  const names = new Set<string>();
  const texts = path.slice(1).split('/');
  return texts.map((text, place) => segmentOf(text, place === texts.length - 1, names));
}

function segmentOf(text: string, isLast: boolean, names: Set<string>): Segment {
  const braced = /^\{(.*?)(\.\.\.)?\}$/s.exec(text);
  if (braced === null) {
    if (text === '' && !isLast) throw new Error('has an empty segment');
    if (text === '.' || text === '..') throw new Error(`has a segment "${text}", which no client sends as it is`);
    const illegal = ILLEGAL.exec(text);
    if (illegal === null) return { text };
    const hint = /[{}]/.test(illegal[0]) ? ': a name in braces is a segment by itself' : illegal[0] === '%' ? ': write it decoded' : '';
    throw new Error(`has ${JSON.stringify(illegal[0])} in it${hint}`);
  }
  const name = braced[1]!;
  const rest = braced[2] !== undefined;
  if (!NAME.test(name)) throw new Error(`has a name ${JSON.stringify(name)}: letters, digits and "_" are allowed, up to 64, and no digit first`);
  if (names.has(name)) throw new Error(`has the name ${name} twice`);
  if (rest && !isLast) throw new Error(`has {${name}...} before its end`);
  names.add(name);
  return { name, rest };
}

/**
 * Checks one route.
 * @throws Error whose message is a sentence without its subject
 */
export function checkRoute(value: unknown): PluginRoute {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('is no object with method, path and handler');
  const { method, path, handler } = value as Readonly<Record<string, unknown>>;
  for (const [key, given] of Object.entries({ method, path, handler })) if (typeof given !== 'string') throw new Error(`has no text as its ${key}`);
  if (!METHODS.includes(method as string)) throw new Error(`has the method ${shown(method as string)}: there are ${[...METHODS].sort().join(', ')}`);
  try {
    segmentsOf(path as string);
  } catch (error) {
    throw new Error(`has the path ${shown(path as string)}, which ${(error as Error).message}`, { cause: error });
  }
  if (!isRouteSymbol(handler as string)) throw new Error(`has the handler ${shown(handler as string)}, which is no name of a C function`);
  return { method: method as string, path: path as string, handler: handler as string };
}

function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}

/**
 * Reads what a library says of its routes.
 * @param text JSON; '' says that there are none
 * @param library its file's name, for messages
 * @param source who said it: PluginRoutes
 * @throws DlserveError LOAD_FAILED
 */
export function parseRoutes(text: string, library: string, source: string): PluginRoute[] {
  if (text === '') return [];
  const refuse = (reason: string, cause?: unknown): never => {
    throw new DlserveError('LOAD_FAILED', { library, reason: `${source} ${reason}` }, { cause });
  };
  if (text.length > MAX_ROUTES_TEXT) refuse(`gave more than ${MAX_ROUTES_TEXT} bytes`);
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    refuse(`gave no JSON: ${(error as Error).message}`, error);
  }
  if (typeof list === 'string') refuse(`failed: ${list.slice(0, MAX_PATH)}`);
  if (!Array.isArray(list)) return refuse('gave no list of routes');
  if (list.length > MOST_ROUTES) refuse(`gave ${list.length} routes, and a plugin may have ${MOST_ROUTES}`);
  return list.map((value: unknown, place) => {
    try {
      return checkRoute(value);
    } catch (error) {
      return refuse(`is wrong: its route ${place + 1} ${(error as Error).message}`, error);
    }
  });
}

/** What a route is called in the request JSON, in messages and in logs: `GET /hello/{name}`. */
export function titleOf({ method, path }: Pick<PluginRoute, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

/** The same for all routes that answer the same requests: the names in a path don't matter. */
export function shapeOf({ method, path }: Pick<PluginRoute, 'method' | 'path'>): string {
  return `${method} ${path.replace(/\{\w+(\.\.\.)?\}/g, '{$1}')}`;
}

/** What http_vars calls the func of a handler that a route leads to. */
export function funcOf(symbol: string): string {
  return parseSymbol(symbol)?.func ?? symbol;
}

/** What a library with PluginFactory or PluginRoutes says of itself when it is open. */
export interface Declared {
  /** What PluginFactory.name says; '' where it has none. */
  readonly title: string;
  /** The JSON that its PluginRoutes gave, and its PluginFactory.routes; '' where there is none. */
  readonly routes: readonly [plain: string, ofFactory: string];
}

/**
 * The routes that a library declares.
 * @param isThere whether it has a function of that name
 * @throws DlserveError LOAD_FAILED
 */
export function routesOf({ routes: [plain, ofFactory] }: Declared, library: string, isThere: (symbol: string) => boolean): PluginRoute[] {
  const routes = [...parseRoutes(plain, library, 'PluginRoutes'), ...parseRoutes(ofFactory, library, 'PluginFactory.routes')];
  const absent = routes.find(({ handler }) => !isThere(handler));
  if (absent === undefined) return routes;
  throw new DlserveError('LOAD_FAILED', { library, reason: `it exports no function ${absent.handler}, to which its route ${titleOf(absent)} leads` });
}
