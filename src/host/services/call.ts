import { within } from '../../ground/waiting';
import { bodyOfParts } from '../../plugin/body-source';
import { Deadline, TimeLimits } from '../../plugin/deadline';
import { Exchange } from '../../plugin/exchange';
import { BodyMode, type Handler } from '../../plugin/handlers';
import { checkNames, pathOf, symbolOf } from '../../plugin/name';
import { ReplyCollector, type ReadReply } from '../../plugin/reply-collector';
import { resolve } from '../resolve';
import type { Slot } from '../slot';
import { AskError } from './ask-error';
import { MOST_BYTES, type Asking } from './asking';
import { bytesJson, Params } from './params';

/** Where other plugins are found. */
export interface Plugins {
  find(name: string): Slot | undefined;
  open(name: string): Promise<Slot>;
}

const NAMES = ['plugin', 'func', 'method', 'query', 'headers', 'body', 'body_base64', 'timeout'];
/** A field name of HTTP (RFC 9110 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;
/** Plugins that may wait for each other, one behind the other. */
const DEEPEST = 16;

/** The service `call`: a handler of another plugin. */
export class CallService {
  /** Of the calls that were made here: the one that asked for it. */
  readonly #askers = new WeakMap<Exchange, Exchange>();

  constructor(private readonly plugins: Plugins) {}

  /** @throws AskError, or the DlserveError that a request would be answered with */
  async ask(given: unknown, asking: Asking): Promise<string> {
    const params = new Params('call', given, NAMES);
    const plugin = params.text('plugin');
    const func = params.text('func');
    checkNames(plugin, func);
    const call = readCall(params, asking.exchange.id);
    this.#checkChain(asking.exchange, plugin);
    const deadline = deadlineOf(params.optionalTime('timeout'), asking.endsAt);
    const slot = this.plugins.find(plugin) ?? (await this.#open(plugin, symbolOf(call.method, func), deadline));
    if (asking.signal.aborted) throw AskError.of('GONE');
    const found = slot.current === undefined ? slot.refusal()! : resolve(plugin, slot.current.handlers, func, call.method);
    if ('status' in found) throw found;
    const { status, headers, body } = await new Promise<ReadReply>((fulfil, reject) => {
      const { method, query, rawHeaders } = call;
      const request = { file: plugin, func, method, path: pathOf(plugin, func), query, rawHeaders };
      // One that was dropped has no answer when it is over.
      const over = (): void => reject(AskError.of('GONE'));
      const collector = new ReplyCollector({ fulfil, reject, over }, MOST_BYTES, () => AskError.of('TOO_LARGE', { what: `the reply of ${plugin}`, limit: MOST_BYTES }));
      const exchange = exchangeOf(found, call.body, (body) => new Exchange(request, found, body, new TimeLimits(slot.settings, deadline), asking.exchange.id, collector));
      collector.exchange = exchange;
      this.#askers.set(exchange, asking.exchange);
      asking.signal.addEventListener('abort', () => exchange.abandon(), { once: true });
      slot.call(exchange);
    });
    return JSON.stringify({ status, headers, ...bytesJson('body', body) });
  }

  async #open(plugin: string, symbol: string, deadline: Deadline | undefined): Promise<Slot> {
    const slot = await within(this.plugins.open(plugin), deadline?.left ?? Infinity);
    if (slot === undefined) throw deadline!.exceeded(symbol, plugin);
    return slot;
  }

  /** A plugin that waits for its own answer would wait for ever where it takes one call at a time. */
  #checkChain(asker: Exchange, plugin: string): void {
    const chain: string[] = [];
    for (let each: Exchange | undefined = asker; each !== undefined; each = this.#askers.get(each)) chain.unshift(each.request.file);
    const first = chain.indexOf(plugin);
    if (first !== -1) throw AskError.of('CALL_CIRCLE', { circle: [...chain.slice(first), plugin].join(' calls ') });
    if (chain.length >= DEEPEST) throw AskError.of('CALL_DEPTH', { plugin, depth: chain.length });
  }
}

interface Call {
  readonly method: string;
  readonly query: string;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer | undefined;
}

/** @param id of the request, which the other handler is told unless it is told another */
function readCall(params: Params, id: string): Call {
  const body = params.bytes('body');
  const query = params.value('query');
  const headers = params.pairs('headers');
  const illegal = headers.find(([name]) => !TOKEN.test(name));
  if (illegal !== undefined) throw params.refusal(`${JSON.stringify(illegal[0])} of headers is no name of a header`);
  if (!headers.some(([name]) => name.toLowerCase() === 'x-request-id')) headers.push(['x-request-id', id]);
  return {
    method: params.optionalText('method') ?? (body === undefined ? 'GET' : 'POST'),
    query: typeof query === 'string' ? query.replace(/^\?/, '') : new URLSearchParams(params.pairs('query')).toString(),
    rawHeaders: headers.flat(),
    body,
  };
}

/** What is left of the asking call's time, or less where it says so. */
function deadlineOf(timeout: number | undefined, endsAt: number): Deadline | undefined {
  const at = Math.min(endsAt, performance.now() + (timeout ?? Infinity));
  return at === Infinity ? undefined : new Deadline(at, Math.max(Math.round(at - performance.now()), 0));
}

/** Gives the body to the handler as it takes one. */
function exchangeOf({ body: mode }: Handler, body: Buffer | undefined, make: (body: Buffer | null) => Exchange): Exchange {
  if (mode === BodyMode.NONE || body === undefined) return make(null);
  if (mode !== BodyMode.STREAM) return make(body);
  const exchange = make(null);
  exchange.input = bodyOfParts([body]);
  return exchange;
}
