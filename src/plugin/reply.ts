import { DlserveError } from '../ground/errors';

/** The largest reply that a handler may give, in bytes, its headers included. */
export const MAX_REPLY = 256 * 1024 * 1024;

/** The most bytes of header lines in a reply: several times what any client takes. */
export const MAX_REPLY_HEADERS = 64 * 1024;

/** Status and headers as a handler gave them. */
export interface RawHead {
  /** What the handler left in *status; -1 means 200. */
  readonly status: number;
  /** The reply headers, "Name: value" lines; null where none were given. */
  readonly headers: string | null;
}

/** What a handler gave, as a runtime hands it on. */
export interface RawReply extends RawHead {
  /** Bytes; or, where a runtime has them at hand as text, a string of ASCII characters only. null: none were given. */
  readonly body: Buffer | string | null;
}

/** Status and headers of the answer to a client. */
export interface ReplyHead {
  readonly status: number;
  /** Names and values in turn, as response.writeHead takes them; Content-Type is among them where there may be a body. */
  readonly headers: string[];
}

/** The answer to a client. Content-Length is among its headers where there may be a body. */
export interface Reply extends ReplyHead {
  /** A string holds ASCII characters only. */
  readonly body: Buffer | string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** A 204 and a 304 have no body and no length (RFC 9110 8.6, 15.3.5, 15.4.5). */
function isUnsized(status: number): boolean {
  return status === 204 || status === 304;
}

/**
 * Makes status and headers of the answer of what a handler gave.
 * @param symbol for the error's message
 * @throws DlserveError BAD_STATUS or BAD_HEADERS
 */
export function makeHead(raw: RawHead, symbol: string): ReplyHead {
  const status = raw.status === -1 ? 200 : raw.status;
  if (status < 200 || status > 599) throw new DlserveError('BAD_STATUS', { symbol, value: raw.status });
  const headers = raw.headers === null ? [] : parseHeaders(raw.headers, symbol);
  if (!isUnsized(status) && !names(headers, 'content-type')) headers.push('Content-Type', JSON_TYPE);
  return { status, headers };
}

/**
 * Makes the answer of what a handler gave.
 * @param symbol for the error's message
 * @throws DlserveError NO_REPLY, BAD_STATUS or BAD_HEADERS
 */
export function makeReply(raw: RawReply, symbol: string): Reply {
  if (raw.body === null) throw new DlserveError('NO_REPLY', { symbol });
  const { status, headers } = makeHead(raw, symbol);
  // A 205 has an empty body (RFC 9110 15.3.6).
  const body = isUnsized(status) || status === 205 ? '' : raw.body;
  if (!isUnsized(status)) headers.push('Content-Length', String(body.length));
  return { status, headers, body };
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// What RFC 9110 5.5 forbids in a field value, and what latin1 can't carry
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Belong to the connection or to the host, so a handler can't set them. */
const HOSTS_OWN = new Set(['connection', 'content-length', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'date']);

/** For header lines of more bytes than a reply may have. */
export function headersTooLarge(symbol: string, length: number): DlserveError {
  return new DlserveError('BAD_HEADERS', { symbol, reason: `${length} bytes of headers, the limit is ${MAX_REPLY_HEADERS}` });
}

function parseHeaders(text: string, symbol: string): string[] {
  if (text.length > MAX_REPLY_HEADERS) throw headersTooLarge(symbol, text.length);
  const headers: string[] = [];
  const refuse = (reason: string): never => {
    throw new DlserveError('BAD_HEADERS', { symbol, reason });
  };
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon === -1) refuse(`${JSON.stringify(line)} has no colon`);
    const name = line.slice(0, colon);
    const value = trimmed(line, colon + 1);
    if (!NAME.test(name)) refuse(`${JSON.stringify(name)} is no header name`);
    if (!VALUE.test(value)) refuse(`the value of ${name} holds a character that no header can carry`);
    if (HOSTS_OWN.has(name.toLowerCase())) refuse(`${name} is set by the host`);
    headers.push(name, value);
  }
  return headers;
}

/** The line from `start`, without the space and tabs around it (RFC 9110 5.6.3); String.trim would take more than those. */
function trimmed(line: string, start: number): string {
  const blank = (at: number): boolean => line[at] === ' ' || line[at] === '\t';
  let end = line.length;
  while (start < end && blank(start)) start++;
  while (end > start && blank(end - 1)) end--;
  return line.slice(start, end);
}

function names(headers: readonly string[], lower: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === lower) return true;
  return false;
}
