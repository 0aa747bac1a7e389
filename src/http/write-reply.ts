import type { ServerResponse } from 'node:http';
import type { Reply } from '../contract/reply';

/**
 * Head and a short body leave in one write: end(body) alone makes node:http write an empty string behind it, and so a
 * writev of two parts, which costs a tenth of the whole request. An answer behind another one has no socket yet.
 */
export function writeReply(res: ServerResponse, { status, headers, body }: Reply): void {
  // Somebody else's middleware, of time limits say, may have answered; or the client has gone.
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, headers);
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
