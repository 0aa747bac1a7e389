import type { IncomingMessage, ServerResponse } from 'node:http';
import { closest, distance } from 'fastest-levenshtein';
import ms from 'ms';
import { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import { checkNames, pathOf, PREFIX, symbolOf } from '../contract/name';
import { requestHead } from '../contract/request';
import type { Host } from '../host/host';
import type { Handler, OpenPlugin } from '../host/plugin';
import { readBody } from './body';
import { readHeaders, type RequestHeaders } from './headers';
import { decodeSegment, originForm } from './target';
import { writeError } from './write-error';
import { writeReply } from './write-reply';

/** Milliseconds: a later timer fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The handlers behind one path. */
interface Route {
  readonly plugin: OpenPlugin;
  readonly func: string;
  readonly methods: ReadonlyMap<string, Handler>;
  /** The value of an Allow header. */
  readonly allow: string;
}

/**
 * The endpoint itself, on node:http: `/_PLUGIN/{file}/{func}`. Both doors, the fast lane and the Express router, lead here,
 * so an answer is the same bytes through either.
 */
export class Endpoint {
  readonly #host: Host;
  readonly #log: Logger;
  /** Bytes. */
  readonly #bodyLimit: number;
  /** By path as it comes in a URL; only paths that need no decoding are kept, so it has one entry per func at the most. */
  readonly #routes = new Map<string, Route>();
  #requests = 0;

  constructor(host: Host, log: Logger, bodyLimit: number) {
    this.#host = host;
    this.#log = log;
    this.#bodyLimit = bodyLimit;
  }

  /**
   * Answers the request if its path is the endpoint's.
   * @param url where the endpoint is mounted below a prefix: the URL without it
   * @returns false when the path is none of the endpoint's; the request is then untouched
   */
  handle(req: IncomingMessage, res: ServerResponse, url: string): boolean {
    const target = originForm(url);
    if (!target.startsWith(PREFIX)) return false;
    const mark = target.indexOf('?');
    const path = mark === -1 ? target : target.slice(0, mark);
    const route = this.#routes.get(path);
    if (route !== undefined) {
      this.#dispatch(route, req, res);
      return true;
    }
    const slash = path.indexOf('/', PREFIX.length);
    if (slash === -1 || path.includes('/', slash + 1)) return false;
    const arrived = performance.now();
    this.#resolve(path, slash, req).then(
      (resolved) => this.#dispatch(resolved, req, res, performance.now() - arrived),
      (error: unknown) => this.#fail(error, req, res),
    );
    return true;
  }

  async #resolve(path: string, slash: number, req: IncomingMessage): Promise<Route> {
    const file = decodeSegment(path.slice(PREFIX.length, slash));
    const func = decodeSegment(path.slice(slash + 1));
    checkNames(file, func);
    const symbol = symbolOf(req.method ?? 'GET', func);
    const plugin = await this.#open(file, symbol, parseTimeout(readHeaders(req.rawHeaders).timeout));
    const methods = plugin.handlers.get(func);
    if (methods === undefined) {
      throw new DlserveError('HANDLER_NOT_FOUND', { symbol, library: plugin.library, hint: hintFor(symbol, func, plugin) });
    }
    const route = { plugin, func, methods, allow: allowed(methods) };
    if (!path.includes('%')) this.#routes.set(path, route);
    return route;
  }

  /**
   * The plugin, when it is built and opened.
   * @param limit milliseconds that the client gives; the plugin's own timeout counts from when it is open
   */
  async #open(file: string, symbol: string, limit: number | undefined): Promise<OpenPlugin> {
    const opening = this.#host.open(file);
    if (limit === undefined) return opening;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new DlserveError('TIMEOUT', { symbol, library: file, timeout: limit });
      timer = setTimeout(() => reject(error), Math.min(limit, LONGEST_TIMER));
    });
    return Promise.race([opening, late]).finally(() => clearTimeout(timer));
  }

  /** @param waited milliseconds since the request arrived */
  #dispatch(route: Route, req: IncomingMessage, res: ServerResponse, waited = 0): void {
    const method = req.method ?? 'GET';
    const handler = route.methods.get(method) ?? (method === 'HEAD' ? route.methods.get('GET') : undefined);
    if (handler === undefined) {
      this.#withoutHandler(route, method, req, res);
      return;
    }
    const headers = readHeaders(req.rawHeaders);
    if (!headers.hasBody) {
      this.#call(route, handler, headers, null, waited, req, res);
      return;
    }
    if (headers.length > this.#bodyLimit) {
      this.#fail(new DlserveError('BODY_TOO_LARGE', { limit: this.#bodyLimit }), req, res);
      return;
    }
    readBody(req, this.#bodyLimit, (error, body) => {
      if (error !== null) this.#fail(error, req, res);
      else this.#call(route, handler, headers, body, waited, req, res);
    });
  }

  #withoutHandler(route: Route, method: string, req: IncomingMessage, res: ServerResponse): void {
    if (method === 'OPTIONS') {
      res.writeHead(204, ['Allow', route.allow]).end();
      return;
    }
    const { plugin, func, allow } = route;
    const details = { path: pathOf(plugin.name, func), method, allow };
    this.#fail(new DlserveError('METHOD_NOT_ALLOWED', details, { headers: { Allow: allow } }), req, res);
  }

  #call(
    route: Route,
    handler: Handler,
    headers: RequestHeaders,
    body: Buffer | null,
    waited: number,
    req: IncomingMessage,
    res: ServerResponse,
  ): void {
    // The client has gone while the plugin was opened: nobody waits for the call.
    if (res.destroyed) return;
    const { plugin } = route;
    let timeout = plugin.settings.timeout;
    let passed = 0;
    if (headers.timeout !== undefined) {
      const shorter = parseTimeout(headers.timeout);
      if (shorter === undefined) {
        this.#fail(new DlserveError('BAD_TIMEOUT', { value: JSON.stringify(headers.timeout) }), req, res);
        return;
      }
      timeout = shorter;
      passed = waited;
    }
    const id = headers.id ?? `${process.pid}-${++this.#requests}`;
    const url = originForm((req as { originalUrl?: string }).originalUrl ?? req.url ?? '');
    const mark = url.indexOf('?');
    const head = requestHead({
      file: plugin.name,
      func: route.func,
      method: req.method ?? 'GET',
      path: mark === -1 ? url : url.slice(0, mark),
      query: mark === -1 ? '' : url.slice(mark + 1),
      rawHeaders: req.rawHeaders,
    });
    const call = this.#host.call(plugin, handler, head, body, timeout, passed, id, (error, reply) => {
      if (reply !== null) writeReply(res, reply);
      else this.#fail(error, req, res, { plugin: plugin.name, handler: handler.symbol, request: id });
    });
    // Comes after every answer too; only a client that has gone finds the call still under way. An answer that waits for
    // another one of its connection hears of nothing: its call is made all the same.
    if (call !== null) res.on('close', () => call.abandon());
  }

  #fail(error: unknown, req: IncomingMessage, res: ServerResponse, context: object = {}): void {
    writeError(error, req, res, this.#log, context);
  }
}

/** Guesses the mistake behind a func that is not there. */
function hintFor(symbol: string, func: string, plugin: OpenPlugin): string {
  if (plugin.data.includes(symbol)) return ': it is data there, not a function';
  const nearest = plugin.handlers.size > 0 ? closest(func, [...plugin.handlers.keys()]) : '';
  return nearest !== '' && distance(func.toLowerCase(), nearest.toLowerCase()) <= 2 ? `: did you mean ${nearest}?` : '';
}

function allowed(methods: ReadonlyMap<string, unknown>): string {
  const names = new Set(methods.keys());
  if (names.has('GET')) names.add('HEAD');
  names.add('OPTIONS');
  return [...names].sort().join(', ');
}

/** @returns milliseconds; undefined for what is no duration */
function parseTimeout(text = ''): number | undefined {
  if (!/^\d+(\.\d+)?(ms|s|m)$/.test(text)) return undefined;
  return ms(text as ms.StringValue);
}
