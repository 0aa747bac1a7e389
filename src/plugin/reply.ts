import { DlserveError } from '../ground/errors';
import { parseHeaders } from './reply-headers';

/** The largest reply that a handler may give, in bytes, its headers included. */
export const MAX_REPLY = 256 * 1024 * 1024;

/** Status and headers as a handler gave them. */
export interface RawHead {
  /** What the handler left in *status; -1 means 200. */
  readonly status: number;
  /** The text of the reply headers, see parseHeaders; null where none were given. */
  readonly headers: string | null;
}

/** What a handler gave, as a runtime hands it on. */
export interface RawReply extends RawHead {
  /** Bytes; or, where a runtime has them at hand as text, a string of ASCII characters only. null: none were given. */
  readonly body: Buffer | string | null;
  /**
   * Where the body is in memory of others: gives that back. To be called once, when its bytes are needed no more: they may be others then, or gone.
   */
  readonly release?: Release | undefined;
}

/** See {@link RawReply.release}. */
export type Release = () => void;

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
  /** To be called once by whoever gets the reply, when the body has been written or copied, or is not wanted; undefined: need not be. */
  readonly release: Release | undefined;
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
  const isBodiless = isUnsized(status) || status === 205;
  const body = isBodiless ? '' : raw.body;
  if (!isUnsized(status)) headers.push('Content-Length', String(body.length));
  if (isBodiless) raw.release?.();
  return { status, headers, body, release: isBodiless ? undefined : raw.release };
}

function names(headers: readonly string[], lower: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === lower) return true;
  return false;
}
