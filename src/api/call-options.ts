import { DlserveError } from '../ground/errors';
import { pathOf } from '../plugin/name';
import type { PluginRequest } from '../plugin/request';
import { isIterable, isPart, type CallPart } from './call-body';

/** What a call says to its handler, as a request would. */
export interface CallOptions {
  /** "GET" unless given; with a body "POST". */
  readonly method?: string;
  /** As text, or as names and values. */
  readonly query?: string | URLSearchParams | Readonly<Record<string, string | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Text is sent as UTF-8. A stream, or whatever else gives parts one after the other, is read as the handler takes it, where that does. */
  readonly body?: CallPart | AsyncIterable<CallPart>;
  /** Milliseconds until the call fails with TIMEOUT, if no limit of the plugin comes before. One that has begun goes on. */
  readonly timeout?: number;
  /** Ends the waiting: the call is dropped if it has not begun. */
  readonly signal?: AbortSignal;
}

/** The promise is kept with the head of the reply, and the reply's body is a stream. */
export interface StreamOptions extends CallOptions {
  readonly stream: true;
}

/** The promise is kept with all of the reply. */
export interface WholeOptions extends CallOptions {
  readonly stream?: false;
}

export type AnyCallOptions = StreamOptions | WholeOptions;

const OPTIONS: readonly string[] = ['method', 'query', 'headers', 'body', 'timeout', 'signal', 'stream'];

/** A field name of HTTP (RFC 9110 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;

/** @throws DlserveError BAD_CALL for what no call can mean */
export function checkOptions(options: AnyCallOptions): void {
  const refuse = (reason: string): never => {
    throw new DlserveError('BAD_CALL', { call: 'host.call', reason });
  };
  if (typeof options !== 'object' || (options as CallOptions | null) === null) refuse('options must be an object');
  for (const name in options) if (!OPTIONS.includes(name)) refuse(`unknown option ${name}: there are ${OPTIONS.join(', ')}`);
  const { method, query, headers, body, timeout, signal, stream } = options as Readonly<Record<string, unknown>>;
  if (method !== undefined && typeof method !== 'string') refuse('method must be text');
  if (query !== undefined && typeof query !== 'string' && !isSearchParams(query)) checkPairs('query', query, refuse);
  if (headers !== undefined) {
    checkPairs('headers', headers, refuse);
    for (const name of Object.keys(headers as object)) if (!TOKEN.test(name)) refuse(`${JSON.stringify(name)} of headers is no name of a header`);
  }
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.addEventListener !== 'function') refuse('signal must be an AbortSignal');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) refuse('timeout must be a number of milliseconds');
  if (stream !== undefined && typeof stream !== 'boolean') refuse('stream must be true or false');
  if (body !== undefined && !isPart(body) && !isIterable(body)) refuse('body must be text, bytes, or a stream of them');
}

function checkPairs(option: string, values: unknown, refuse: (reason: string) => never): void {
  if (typeof values !== 'object' || values === null) refuse(`${option} must be an object of texts and lists of texts`);
  for (const [name, value] of Object.entries(values)) {
    if ([value].flat().some((one) => typeof one !== 'string')) refuse(`${name} of ${option} must be text, or a list of texts`);
  }
}

export function requestOf(file: string, func: string, method: string, { query = '', headers = {} }: CallOptions): PluginRequest {
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
