import type { RouteHandler } from './plugin';
import type { Registry } from './registry';

/** Whatever serves routes. */
export interface RouteAdder {
  /** @param path as a route says it: `/users/{id}` */
  add(method: string, path: string, handler: RouteHandler): unknown;
}

/**
 * Gives the routes of every plugin that has some to a router, in the order of the plugins, whether they run or not.
 * @returns how many there are
 * @throws what a plugin's `routes` or the router throws, for a clash say
 */
export function registerRouteProviders(registry: Registry, router: RouteAdder): number {
  let count = 0;
  for (const name of registry.names()) {
    for (const { method, path, handler } of registry.get(name)?.routes?.() ?? []) {
      router.add(method, path, handler);
      count++;
    }
  }
  return count;
}
