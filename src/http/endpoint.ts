import type { IncomingMessage, ServerResponse } from 'node:http';
import { closest, distance } from 'fastest-levenshtein';
import { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import { within } from '../ground/waiting';
import { Deadline, parseTimeout } from '../plugin/deadline';
import { Exchange } from '../plugin/exchange';
import type { Handler, Handlers, Methods } from '../plugin/handlers';
import { checkNames, pathOf, PREFIX, symbolOf } from '../plugin/name';
import type { Host } from '../host/host';
import type { Slot } from '../host/slot';
import { readBody } from './body';
import { readHeaders } from './headers';
import { decodeSegment, originForm } from './target';
import { Visit } from './visit';
import { writeError } from './write-error';

/** What a path leads to. */
interface Route {
  readonly slot: Slot;
  readonly func: string;
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
    const slash = path.indexOf('/', PREFIX.length);
    if (route === undefined && (slash === -1 || path.includes('/', slash + 1))) return false;

    const visit = this.#welcome(req, res);
    if (visit === undefined) return true;
    if (route?.slot.current !== undefined) {
      this.#dispatch(visit, route);
    } else {
      this.#resolve(visit, path, slash).then(
        (resolved) => this.#dispatch(visit, resolved),
        (error: unknown) => visit.fail(error),
      );
    }
    return true;
  }

  /** @returns undefined where the request was answered already, for what its headers say */
  #welcome(req: IncomingMessage, res: ServerResponse): Visit | undefined {
    const headers = readHeaders(req.rawHeaders);
    let deadline: Deadline | undefined;
    if (headers.timeout !== undefined) {
      const limit = parseTimeout(headers.timeout);
      if (limit === undefined) {
        writeError(new DlserveError('BAD_TIMEOUT', { value: JSON.stringify(headers.timeout) }), req, res, this.#log);
        return undefined;
      }
      deadline = Deadline.after(limit);
    }
    return new Visit(req, res, headers, deadline, this.#log);
  }

  /** Finds the plugin, which may have to be built and opened first. */
  async #resolve(visit: Visit, path: string, slash: number): Promise<Route> {
    const file = decodeSegment(path.slice(PREFIX.length, slash));
    const func = decodeSegment(path.slice(slash + 1));
    checkNames(file, func);
    const { deadline } = visit;
    const opening = this.#host.open(file);
    // The plugin's own timeout counts from when it is open, the client's from the arrival.
    const slot = await (deadline === undefined ? opening : within(opening, deadline.left));
    if (slot === undefined) throw deadline!.exceeded(symbolOf(visit.method, func), file);
    const route = { slot, func };
    if (!path.includes('%') && slot.current?.handlers.get(func) !== undefined) this.#routes.set(path, route);
    return route;
  }

  #dispatch(visit: Visit, route: Route): void {
    const { headers } = visit;
    if (!headers.hasBody) {
      this.#call(visit, route, null);
      return;
    }
    // What can't be answered anyway is not read first.
    if (this.#handlerFor(visit, route) === undefined) return;
    const refusal = headers.length > this.#bodyLimit ? new DlserveError('BODY_TOO_LARGE', { limit: this.#bodyLimit }) : route.slot.refusal();
    if (refusal !== undefined) {
      visit.fail(refusal);
      return;
    }
    readBody(visit.req, this.#bodyLimit, (error, body) => {
      if (error !== null) visit.fail(error);
      else this.#call(visit, route, body);
    });
  }

  /** @returns undefined where there is none, which was answered then */
  #handlerFor(visit: Visit, { slot, func }: Route): Handler | undefined {
    const handlers = slot.current?.handlers;
    const methods = handlers?.get(func);
    const handler = methods?.get(visit.method);
    if (handler !== undefined) return handler;
    if (handlers === undefined) visit.fail(slot.refusal());
    else if (methods === undefined) visit.fail(noHandler(visit.method, func, slot.name, handlers));
    else answerMethod(visit, methods, pathOf(slot.name, func));
    return undefined;
  }

  #call(visit: Visit, route: Route, body: Buffer | null): void {
    // The client has gone while the plugin was opened or the body read: nobody waits for the call.
    if (visit.isOver) return;
    const handler = this.#handlerFor(visit, route);
    if (handler === undefined) return;
    const { slot, func } = route;
    const { req, res, headers, method } = visit;
    const url = originForm((req as { originalUrl?: string }).originalUrl ?? req.url ?? '');
    const mark = url.indexOf('?');
    const request = {
      file: slot.name,
      func,
      method,
      path: mark === -1 ? url : url.slice(0, mark),
      query: mark === -1 ? '' : url.slice(mark + 1),
      rawHeaders: req.rawHeaders,
    };
    const own = Deadline.after(slot.settings.timeout);
    const deadline = visit.deadline !== undefined && visit.deadline.at < own.at ? visit.deadline : own;
    const exchange = new Exchange(request, handler, body, deadline, headers.id ?? `${process.pid}-${++this.#requests}`, visit);
    visit.exchange = exchange;
    slot.call(exchange);
    // Comes after every answer too; only a client that has gone finds the call still under way.
    if (!exchange.isSettled) res.on('close', () => exchange.abandon());
  }
}

/** Another method than the handlers': OPTIONS is answered for them. */
function answerMethod(visit: Visit, { allow }: Methods, path: string): void {
  if (visit.method === 'OPTIONS') {
    visit.res.writeHead(204, ['Allow', allow]).end();
    return;
  }
  visit.fail(new DlserveError('METHOD_NOT_ALLOWED', { path, method: visit.method, allow }, { headers: { Allow: allow } }));
}

/** The error for a func that is not there, with a guess at the mistake behind it. */
function noHandler(method: string, func: string, plugin: string, handlers: Handlers): DlserveError {
  const symbol = symbolOf(method, func);
  return new DlserveError('HANDLER_NOT_FOUND', { symbol, plugin, hint: hintFor(symbol, func, handlers) });
}

function hintFor(symbol: string, func: string, handlers: Handlers): string {
  const lookalike = handlers.lookalikes.get(symbol);
  if (lookalike !== undefined) return `: ${symbol} ${lookalike}`;
  const nearest = handlers.funcs.length > 0 ? closest(func, handlers.funcs) : '';
  return nearest !== '' && distance(func.toLowerCase(), nearest.toLowerCase()) <= 2 ? `: did you mean ${nearest}?` : '';
}
