import type { ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { AnyResponse } from './http2';
import { isHttp2Response } from './write-reply';

/** Ends an answer that has begun so that its client sees that it is not whole; what was written of it leaves before. */
export function breakOff(res: AnyResponse): void {
  if (isHttp2Response(res)) res.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else if (res.socket !== null) cutSoon(res, res.socket);
  // It waits for its turn on the connection.
  else res.once('socket', (socket: Socket) => cutSoon(res, socket));
}

/** What was written in this turn of the event loop is held back by node:http until its end. */
function cutSoon(res: ServerResponse, socket: Socket): void {
  setImmediate(() => cut(res, socket));
}

function cut({ req }: ServerResponse, socket: Socket): void {
  // In HTTP/1.1 the last chunk is missing. In HTTP/1.0 an end of the connection is the end of the answer, unless it is no ordinary one.
  if (req.httpVersionMinor > 0) socket.destroySoon();
  else socket.write('', () => reset(socket));
}

function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // Sockets other than TCP's have no such end.
    socket.destroy();
  }
}
