import { DlserveError } from '../ground/errors';
import { LONGEST_TIMER } from '../ground/waiting';
import { Deadline, TimeLimits } from '../plugin/deadline';
import { Exchange, type Recipient } from '../plugin/exchange';
import { checkNames, pathOf, symbolOf } from '../plugin/name';
import type { Reply, ReplyHead } from '../plugin/reply';
import type { PluginRequest } from '../plugin/request';
import type { Host } from '../host/host';
import { resolve } from '../host/resolve';
import type { Slot } from '../host/slot';

/** What a call says to its handler, as a request would. */
export interface CallOptions {
  /** "GET" unless given; with a body "POST". */
  readonly method?: string;
  /** As text, or as names and values. */
  readonly query?: string | URLSearchParams | Readonly<Record<string, string | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Text is sent as UTF-8. */
  readonly body?: string | Uint8Array;
  /** Milliseconds until the call fails with TIMEOUT, if no limit of the plugin comes before. One that has begun goes on. */
  readonly timeout?: number;
  /** Ends the waiting: the call is dropped if it has not begun. */
  readonly signal?: AbortSignal;
}

/** What a handler answers. */
export interface CallReply {
  readonly status: number;
  /** By name, in lower case; a name that comes more than once has a list. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

const OPTIONS: readonly string[] = ['method', 'query', 'headers', 'body', 'timeout', 'signal'];

/** A field name of HTTP (RFC 9110 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;

/** @throws DlserveError BAD_CALL for what no call can mean */
function check(options: CallOptions): void {
  const refuse = (reason: string): never => {
    throw new DlserveError('BAD_CALL', { call: 'host.call', reason });
  };
  if (typeof options !== 'object' || (options as CallOptions | null) === null) refuse('options must be an object');
  for (const name in options) if (!OPTIONS.includes(name)) refuse(`unknown option ${name}: there are ${OPTIONS.join(', ')}`);
  const { method, query, headers, body, timeout, signal } = options as Readonly<Record<string, unknown>>;
  if (method !== undefined && typeof method !== 'string') refuse('method must be text');
  if (query !== undefined && typeof query !== 'string' && !isSearchParams(query)) checkPairs('query', query, refuse);
  if (headers !== undefined) {
    checkPairs('headers', headers, refuse);
    for (const name of Object.keys(headers as object)) if (!TOKEN.test(name)) refuse(`${JSON.stringify(name)} of headers is no name of a header`);
  }
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.addEventListener !== 'function') refuse('signal must be an AbortSignal');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) refuse('timeout must be a number of milliseconds');
  if (body !== undefined && typeof body !== 'string' && !ArrayBuffer.isView(body)) refuse('body must be text or bytes');
}

function checkPairs(option: string, values: unknown, refuse: (reason: string) => never): void {
  if (typeof values !== 'object' || values === null) refuse(`${option} must be an object of texts and lists of texts`);
  for (const [name, value] of Object.entries(values)) {
    if ([value].flat().some((one) => typeof one !== 'string')) refuse(`${name} of ${option} must be text, or a list of texts`);
  }
}

let calls = 0;

/**
 * Calls a handler without HTTP.
 * @throws DlserveError BAD_CALL, or as a request would be answered; or the reason of the signal
 */
export async function callHandler(host: Host, plugin: string, func: string, options: CallOptions): Promise<CallReply> {
  check(options);
  const { method = options.body === undefined ? 'GET' : 'POST', signal, timeout } = options;
  checkNames(plugin, func);
  signal?.throwIfAborted();
  const own = timeout === undefined ? undefined : Deadline.after(timeout);
  // Nearly always it is open, and a call needs no turn of its own.
  const slot = host.find(plugin) ?? (await inTime(host.open(plugin), own, signal, symbolOf(method, func), plugin));
  signal?.throwIfAborted();
  return new Promise((fulfil, reject) => {
    const handler = slot.current === undefined ? slot.refusal()! : resolve(plugin, slot.current.handlers, func, method);
    if (handler instanceof DlserveError) {
      // As over HTTP: OPTIONS is answered for the handlers that are there.
      if (method === 'OPTIONS' && handler.code === 'METHOD_NOT_ALLOWED') fulfil({ status: 204, headers: { allow: handler.headers.Allow! }, body: Buffer.alloc(0) });
      else reject(handler);
      return;
    }
    const caller = new Caller(fulfil, reject);
    const exchange = new Exchange(requestOf(plugin, func, method, options), handler, bodyOf(options), new TimeLimits(slot.settings, own), `call-${++calls}`, caller);
    if (signal !== undefined) caller.heed(signal, exchange);
    slot.call(exchange);
  });
}

/** What the plugin's opening comes to, unless the caller's deadline or signal comes before. */
async function inTime(opening: Promise<Slot>, deadline: Deadline | undefined, signal: AbortSignal | undefined, symbol: string, plugin: string): Promise<Slot> {
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal!.reason as Error);
    signal?.addEventListener('abort', onAbort);
    const timer = deadline === undefined ? undefined : setTimeout(() => reject(deadline.exceeded(symbol, plugin)), Math.min(deadline.left, LONGEST_TIMER));
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  return Promise.race([opening, stopped]).finally(stop);
}

function requestOf(file: string, func: string, method: string, { query = '', headers = {} }: CallOptions): PluginRequest {
  return { file, func, method, path: pathOf(file, func), query: queryOf(query), rawHeaders: rawHeadersOf(headers) };
}

function queryOf(query: NonNullable<CallOptions['query']>): string {
  if (typeof query === 'string') return query.startsWith('?') ? query.slice(1) : query;
  if (isSearchParams(query)) return query.toString();
  return new URLSearchParams(pairsOf(query)).toString();
}

/** Also of another realm: each test of Jest has its own. */
function isSearchParams(query: unknown): query is URLSearchParams {
  return Object.prototype.toString.call(query) === '[object URLSearchParams]';
}

function rawHeadersOf(headers: NonNullable<CallOptions['headers']>): string[] {
  return pairsOf(headers).flat();
}

function pairsOf(values: Readonly<Record<string, string | readonly string[]>>): [string, string][] {
  return Object.entries(values).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one]));
}

function bodyOf({ body }: CallOptions): Buffer | null {
  if (body === undefined) return null;
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** Whoever waits for a call's promise. */
class Caller implements Recipient {
  #head: ReplyHead | undefined;
  readonly #parts: Buffer[] = [];
  #release: (() => void) | undefined;

  constructor(
    private readonly fulfil: (reply: CallReply) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  heed(signal: AbortSignal, exchange: Exchange): void {
    const onAbort = (): void => {
      this.reject(signal.reason as Error);
      exchange.abandon();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#release = () => signal.removeEventListener('abort', onAbort);
  }

  reply({ status, headers, body, release }: Reply): void {
    this.#release?.();
    try {
      this.fulfil({ status, headers: headersOf(headers), body: typeof body === 'string' ? Buffer.from(body, 'latin1') : release === undefined ? body : Buffer.from(body) });
    } catch (cause) {
      this.reject(new DlserveError('OUT_OF_MEMORY', { what: 'the reply' }, { cause }));
    } finally {
      release?.();
    }
  }

  fail(error: DlserveError): void {
    this.#release?.();
    this.reject(error);
  }

  dropped(): void {
    // The signal has said why.
  }

  begin(head: ReplyHead): void {
    this.#head = head;
  }

  write(part: Buffer): boolean {
    this.#parts.push(part);
    return true;
  }

  end(): void {
    const { status, headers } = this.#head!;
    this.reply({ status, headers, body: Buffer.concat(this.#parts), release: undefined });
  }
}

function headersOf(list: readonly string[]): Record<string, string | string[]> {
  const headers = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!.toLowerCase();
    const value = list[i + 1]!;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
