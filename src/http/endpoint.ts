import { DlserveError } from '../ground/errors';
import { within } from '../ground/waiting';
import { bodyOfParts, type BodySource } from '../plugin/body-source';
import { Deadline, parseTimeout, TimeLimits } from '../plugin/deadline';
import { Exchange } from '../plugin/exchange';
import { BodyMode, type Handler } from '../plugin/handlers';
import { checkNames, PREFIX, symbolOf } from '../plugin/name';
import { funcOf, titleOf } from '../plugin/route';
import type { Host } from '../host/host';
import { resolve, resolveSymbol } from '../host/resolve';
import type { Found, TableRoute } from '../host/routes';
import type { Slot } from '../host/slot';
import type { BodyBytes } from './body';
import { readHeaders } from './headers';
import { hasHttp2Body, isHttp2, plainHeaders, type AnyRequest, type AnyResponse } from './http2';
import { valuesAtEnd } from './mounted-route';
import { decodeSegment, originForm } from './target';
import { Visit, type VisitRules } from './visit';

type OwnRoute = Exclude<Found, { readonly allow: string }>;

/** What a path leads to. */
interface Route {
  readonly slot: Slot;
  readonly func: string;
  /** Where it is a plugin's own. */
  readonly own?: OwnRoute | undefined;
}

/**
 * The endpoint itself, on node:http: `/_PLUGIN/{file}/{func}`. Both doors, the fast lane and the Express router, lead here,
 * so an answer is the same bytes through either.
 */
export class Endpoint {
  readonly #host: Host;
  readonly #rules: VisitRules;
  /** By path as it comes in a URL; only paths that need no decoding are kept, so it has one entry per func at the most. */
  readonly #routes = new Map<string, Route>();
  #requests = 0;

  constructor(host: Host, rules: VisitRules) {
    this.#host = host;
    this.#rules = rules;
  }

  /**
   * Answers the request if its path is the endpoint's.
   * @param url where the endpoint is mounted below a prefix: the URL without it
   * @returns false when the path is none of the endpoint's; the request is then untouched
   */
  handle(req: AnyRequest, res: AnyResponse, url: string): boolean {
    const target = originForm(url);
    if (!target.startsWith(PREFIX)) return !this.#host.routes.isEmpty && this.#handleOwn(req, res, target);
    const mark = target.indexOf('?');
    const path = mark === -1 ? target : target.slice(0, mark);
    const route = this.#routes.get(path);
    const slash = path.indexOf('/', PREFIX.length);
    if (route === undefined && (slash === -1 || path.includes('/', slash + 1))) return false;
    const visit = this.#welcome(req, res);
    visit.enter(() => this.#begin(visit, route, path, slash));
    return true;
  }

  /** Answers the request if a route of a plugin's own leads to it. */
  #handleOwn(req: AnyRequest, res: AnyResponse, target: string): boolean {
    const mark = target.indexOf('?');
    const path = mark === -1 ? target : target.slice(0, mark);
    const found = this.#host.routes.find(req.method ?? 'GET', path);
    if (found === undefined) return false;
    const visit = this.#welcome(req, res);
    visit.enter(() => {
      if ('allow' in found) refuseMethod(visit, path, found.allow);
      else this.#open(visit, () => this.#resolveOwn(visit, found));
    });
    return true;
  }

  /** Answers a request that somebody else's router has found a plugin's own route for, wherever that is served. */
  handleRoute(req: AnyRequest, res: AnyResponse, route: TableRoute): void {
    const [path = ''] = originForm(req.url ?? '').split('?', 1);
    const values = valuesAtEnd(route, path);
    const visit = this.#welcome(req, res);
    visit.enter(() => {
      if (values === undefined) visit.fail(new DlserveError('ROUTE_NOT_FOUND'));
      else this.#open(visit, () => this.#resolveOwn(visit, { route, values }));
    });
  }

  /** Finds the plugin, which may have to be opened first: its routes are known from the configuration. */
  async #resolveOwn(visit: Visit, own: OwnRoute): Promise<Route> {
    const { plugin, handler } = own.route;
    const slot = this.#host.find(plugin) ?? (await this.#openPlugin(visit, plugin, handler));
    return { slot, func: funcOf(handler), own };
  }

  #welcome(req: AnyRequest, res: AnyResponse): Visit {
    let headers = readHeaders(req.rawHeaders);
    if (isHttp2(req)) headers = { ...headers, hasBody: hasHttp2Body(req) };
    const limit = headers.timeout === undefined ? undefined : parseTimeout(headers.timeout);
    return new Visit(req, res, headers, limit === undefined ? undefined : Deadline.after(limit), this.#rules);
  }

  #begin(visit: Visit, route: Route | undefined, path: string, slash: number): void {
    if (route?.slot.current !== undefined && isPlainTime(visit)) this.#dispatch(visit, route);
    else this.#open(visit, () => this.#resolve(visit, path, slash));
  }

  #open(visit: Visit, resolving: () => Promise<Route>): void {
    if (!isPlainTime(visit)) {
      visit.fail(new DlserveError('BAD_TIMEOUT', { value: JSON.stringify(visit.headers.timeout) }));
      return;
    }
    resolving().then(
      (resolved) => this.#dispatch(visit, resolved),
      (error: unknown) => visit.fail(error),
    );
  }

  /** Finds the plugin, which may have to be built and opened first. */
  async #resolve(visit: Visit, path: string, slash: number): Promise<Route> {
    const file = decodeSegment(path.slice(PREFIX.length, slash));
    const func = decodeSegment(path.slice(slash + 1));
    checkNames(file, func);
    const slot = await this.#openPlugin(visit, file, symbolOf(visit.method, func));
    const route = { slot, func };
    if (!path.includes('%') && slot.current?.handlers.get(func) !== undefined) this.#routes.set(path, route);
    return route;
  }

  async #openPlugin({ deadline }: Visit, file: string, symbol: string): Promise<Slot> {
    const opening = this.#host.open(file);
    // The plugin's own timeout counts from when it is open, the client's from the arrival.
    const slot = await (deadline === undefined ? opening : within(opening, deadline.left));
    if (slot === undefined) throw deadline!.exceeded(symbol, file);
    return slot;
  }

  #dispatch(visit: Visit, route: Route): void {
    const { headers } = visit;
    if (!headers.hasBody) {
      this.#call(visit, route, null);
      return;
    }
    // What can't be answered anyway is not read first.
    const handler = this.#handlerFor(visit, route);
    if (handler === undefined) return;
    const { bodyLimit } = this.#rules;
    const refusal = isKept(handler) && headers.length > bodyLimit ? new DlserveError('BODY_TOO_LARGE', { limit: bodyLimit }) : route.slot.refusal();
    if (refusal !== undefined) visit.fail(refusal);
    else if (isKept(handler)) visit.readBody((body) => this.#call(visit, route, body));
    else this.#callBeforeBody(visit, route, handler);
  }

  /** Calls a handler that takes its body while it comes, or not at all. */
  #callBeforeBody(visit: Visit, route: Route, handler: Handler): void {
    if (handler.body === BodyMode.NONE) {
      visit.dropBody();
      this.#call(visit, route, null);
      return;
    }
    const input = visit.takeBody();
    if (input === null) visit.fail(new DlserveError('BODY_CONSUMED'));
    else this.#call(visit, route, null, input);
  }

  /** @returns undefined where there is none, which was answered then */
  #handlerFor(visit: Visit, { slot, func, own }: Route): Handler | undefined {
    const handlers = slot.current?.handlers;
    const find = (): Handler | DlserveError =>
      own === undefined ? resolve(slot.name, handlers!, func, visit.method) : resolveSymbol(slot.name, handlers!, own.route.handler);
    const found = handlers === undefined ? slot.refusal()! : find();
    // What is missing in the last generation may be in the source that does not compile.
    const handler = found instanceof DlserveError && slot.isBlocked ? slot.trouble! : found;
    if (!(handler instanceof DlserveError)) return handler;
    if (handler.code === 'METHOD_NOT_ALLOWED') refuseMethod(visit, handler.details.path as string, handler.headers.Allow!);
    else visit.fail(handler);
    return undefined;
  }

  #call(visit: Visit, route: Route, body: BodyBytes | null, input: BodySource | null = null): void {
    // The client has gone while the plugin was opened or the body read: nobody waits for the call.
    if (visit.isOver) return;
    const handler = this.#handlerFor(visit, route);
    if (handler === undefined) return;
    const { slot, func, own } = route;
    const { req, headers, method } = visit;
    const url = originForm((req as { originalUrl?: string }).originalUrl ?? req.url ?? '');
    const mark = url.indexOf('?');
    const request = {
      file: slot.name,
      func,
      method,
      path: mark === -1 ? url : url.slice(0, mark),
      query: mark === -1 ? '' : url.slice(mark + 1),
      rawHeaders: isHttp2(req) ? plainHeaders(req.rawHeaders) : req.rawHeaders,
      route: own && { title: titleOf(own.route), names: own.route.names, values: own.values },
    };
    const limits = new TimeLimits(slot.settings, visit.deadline);
    const exchange = new Exchange(request, handler, isKept(handler) ? body : null, limits, headers.id ?? `${process.pid}-${++this.#requests}`, visit);
    if (handler.body === BodyMode.STREAM) exchange.input = input ?? (body && bodyOfParts([body].flat()));
    visit.exchange = exchange;
    slot.call(exchange);
  }
}

/** Whether the handler takes its body as a whole. */
function isKept({ body }: Handler): boolean {
  return body === BodyMode.TEXT || body === BodyMode.RAW;
}

/** Whether the time that the client gives can be read, if it gives one. */
function isPlainTime({ headers, deadline }: Visit): boolean {
  return headers.timeout === undefined || deadline !== undefined;
}

/** OPTIONS is answered for the methods that are there. */
function refuseMethod(visit: Visit, path: string, allow: string): void {
  const { method, res } = visit;
  if (method === 'OPTIONS') res.writeHead(204, { Allow: allow }).end();
  else visit.fail(new DlserveError('METHOD_NOT_ALLOWED', { path, method, allow }, { headers: { Allow: allow } }));
}
