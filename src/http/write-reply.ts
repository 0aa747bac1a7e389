import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Reply, ReplyHead } from '../plugin/reply';
import type { AnyResponse } from './http2';

/**
 * Head and a short body leave in one write: end(body) alone makes node:http write an empty string behind it, and so a
 * writev of two parts, which costs a tenth of the whole request. An answer behind another one has no socket yet.
 * @returns as {@link writeHead} does
 */
export function writeReply(res: AnyResponse, { status, headers, body }: Reply): boolean {
  if (!writeHead(res, { status, headers })) return false;
  const socket = isHttp2Response(res) ? null : res.socket;
  if (typeof body !== 'string' || body === '' || socket === null) {
    (res as ServerResponse).end(body);
    return true;
  }
  socket.cork();
  (res as ServerResponse).write(body, 'latin1');
  socket.uncork();
  res.end();
  return true;
}

/** Begins an answer. @returns whether it is this one that was begun, and somebody waits for it */
export function writeHead(res: AnyResponse, { status, headers }: ReplyHead): boolean {
  // Somebody else's middleware, of time limits say, may have answered; or the client has gone.
  if (res.headersSent || isGone(res)) return false;
  if (!isHttp2Response(res) && res.getHeaderNames().length === 0) res.writeHead(status, headers);
  else besideOthers(res, headers).writeHead(status);
  return true;
}

export function isHttp2Response(res: AnyResponse): res is Http2ServerResponse {
  return 'stream' in res;
}

function isGone(res: AnyResponse): boolean {
  return isHttp2Response(res) ? res.stream.destroyed : res.destroyed;
}

/** Belong to a connection of HTTP/1.1, beside those that no handler may set: HTTP/2 has no place for them (RFC 9113 8.2.2). */
const NOT_IN_HTTP2 = new Set(['proxy-connection', 'http2-settings']);

/**
 * Adds headers to those that middleware has set: a reply's replace those of the same name, but cookies join. writeHead would
 * keep only the last of several that share a name.
 */
function besideOthers(res: AnyResponse, headers: readonly string[]): AnyResponse {
  const own = new Set<string>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const lower = name.toLowerCase();
    if (isHttp2Response(res) && NOT_IN_HTTP2.has(lower)) continue;
    if (own.has(lower) || lower === 'set-cookie') res.appendHeader(name, headers[i + 1]!);
    else res.setHeader(name, headers[i + 1]!);
    own.add(lower);
  }
  return res;
}
