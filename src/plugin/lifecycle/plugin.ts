import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers a request of node:http, of HTTPS or of HTTP/2's compatibility API. */
export type RouteHandler = (req: IncomingMessage, res: ServerResponse) => unknown;

/** One way to a plugin: a method, a path, and who answers there. */
export interface Route {
  /** `GET` */
  readonly method: string;
  /** `/users/{id}`: a part in braces stands for one segment of any content. */
  readonly path: string;
  readonly handler: RouteHandler;
}

/** What has a name, and is started and stopped: written in TypeScript or JavaScript, or a library by `loadSo`. */
export interface Plugin {
  /** Its own among the plugins of a registry; always the same. */
  name(): string;
  /** @throws anything, where it can't start: it does not run then */
  start(): void | Promise<void>;
  /** @throws anything, where it can't stop: it counts as running still */
  stop(): void | Promise<void>;
  /**
   * The plugins that it comes after, by name; asked for once, by `register`. It is started when they run, beside others, and
   * stopped before they are. Those without it are started one after the other, in the order in which they were registered.
   */
  after?(): readonly string[];
  /** Its routes; asked for once, by `registerRouteProviders`. */
  routes?(): readonly Route[];
}

/** Makes a plugin. It is cheap and does not wait: what takes time is done by the plugin's `start`. */
export type Factory = () => Plugin;

/** Whether a value has the shape of a plugin. It may be of any class, or of none. */
export function isPlugin(value: unknown): value is Plugin {
  if (typeof value !== 'object' || value === null) return false;
  const { name, start, stop } = value as Readonly<Record<string, unknown>>;
  return typeof name === 'function' && typeof start === 'function' && typeof stop === 'function';
}
