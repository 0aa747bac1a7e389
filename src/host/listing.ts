import type { DlserveError } from '../ground/errors';
import { checkNames, pathOf } from '../plugin/name';
import type { Handlers } from '../plugin/handlers';
import type { Kind } from '../plugin/runtime';
import { ENDINGS, RUNTIMES, runtimeOf } from '../runtimes/registry';
import { findFile, listNames } from './find';

/** One handler as a person asks for it. */
export interface Endpoint {
  /** `GET` */
  readonly method: string;
  /** `/_PLUGIN/hello/Hello` */
  readonly path: string;
}

/** A plugin by its file, read without opening it. */
export interface Listed {
  readonly name: string;
  readonly kind: Kind;
  readonly endpoints: readonly Endpoint[];
  /** It has routes of its own besides, which it says when it is open. */
  readonly declaresRoutes: boolean;
  /** Why it can't be served; the endpoints are then empty. */
  readonly error?: DlserveError;
}

/** Lists every plugin in `pluginpath`, in alphabetical order. A folder that is not there has none. */
export async function listPlugins(pluginpath: string): Promise<Listed[]> {
  const names = await listNames(pluginpath, ENDINGS);
  return Promise.all(names.map((name) => listPlugin(pluginpath, name)));
}

/** One of them, which need not be there. */
export async function listPlugin(pluginpath: string, name: string): Promise<Listed> {
  try {
    checkNames(name, 'Any');
    const file = await findFile(pluginpath, name, ENDINGS);
    const runtime = runtimeOf(file)!;
    const handlers = await runtime.examine(file);
    return { name, kind: runtime.kind, endpoints: endpointsOf(name, handlers), declaresRoutes: handlers.declaresRoutes };
  } catch (error) {
    return { name, kind: RUNTIMES[0]!.kind, endpoints: [], declaresRoutes: false, error: error as DlserveError };
  }
}

/** The endpoints of a plugin, by path and method. */
export function endpointsOf(name: string, handlers: Handlers): Endpoint[] {
  const endpoints = handlers.funcs.flatMap((func) => handlers.get(func)!.names.map((method) => ({ method, path: pathOf(name, func) })));
  return endpoints.sort((a, b) => a.path.localeCompare(b.path) || a.method.localeCompare(b.method));
}
