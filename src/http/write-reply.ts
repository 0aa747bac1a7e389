import type { ServerResponse } from 'node:http';
import type { Reply, ReplyHead } from '../plugin/reply';

/**
 * Head and a short body leave in one write: end(body) alone makes node:http write an empty string behind it, and so a
 * writev of two parts, which costs a tenth of the whole request. An answer behind another one has no socket yet.
 */
export function writeReply(res: ServerResponse, { status, headers, body }: Reply): void {
  // Somebody else's middleware, of time limits say, may have answered; or the client has gone.
  if (res.headersSent || res.destroyed) return;
  writeHead(res, { status, headers });
  const { socket } = res;
  if (typeof body !== 'string' || body === '' || socket === null) {
    res.end(body);
    return;
  }
  socket.cork();
  res.write(body, 'latin1');
  socket.uncork();
  res.end();
}

/** Begins an answer. */
export function writeHead(res: ServerResponse, { status, headers }: ReplyHead): void {
  if (res.headersSent || res.destroyed) return;
  if (res.getHeaderNames().length === 0) res.writeHead(status, headers);
  else besideOthers(res, headers).writeHead(status);
}

/**
 * Adds headers to those that middleware has set: a reply's replace those of the same name, but cookies join. writeHead would
 * keep only the last of several that share a name.
 */
function besideOthers(res: ServerResponse, headers: readonly string[]): ServerResponse {
  const own = new Set<string>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const lower = name.toLowerCase();
    if (own.has(lower) || lower === 'set-cookie') res.appendHeader(name, headers[i + 1]!);
    else res.setHeader(name, headers[i + 1]!);
    own.add(lower);
  }
  return res;
}
