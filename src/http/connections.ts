import { Server as NetServer, type Socket } from 'node:net';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Milliseconds between two looks at what still goes on. */
const LOOK = 50;
/** Milliseconds for the rest of a request to come, or for one at all. */
const PATIENCE = 1000;

/**
 * The connections of a server, for its graceful stop. What node:http itself closes as idle includes connections whose answer
 * is still being sent, and leaves those out on which no request ever came.
 */
export class Connections {
  /** Bytes that had come, and since when there are no more. */
  readonly #seen = new Map<Socket, { bytes: number; since: number }>();
  /** Answers that were told to be the last of their connection. */
  readonly #last = new WeakSet<ServerResponse>();

  constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.#seen.set(socket, { bytes: -1, since: 0 });
      socket.once('close', () => this.#seen.delete(socket));
    });
  }

  /**
   * Stops accepting, and waits until the requests under way are answered.
   * @param limit milliseconds; connections that are left then are cut
   * @returns whether all of them ended in time
   */
  async stop(limit: number): Promise<boolean> {
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      for (const socket of this.#seen.keys()) socket.destroy();
    }, limit);
    for (const event of ['request', 'checkContinue']) this.server.prependListener(event, this.#makeLast);
    // A connection that is kept alive would be waited for long after its last request.
    const look = setInterval(() => this.#closeIdle(), LOOK);
    this.#closeIdle();
    // Not the close of node:http, see above.
    await new Promise((resolve) => NetServer.prototype.close.call(this.server, resolve));
    clearInterval(look);
    clearTimeout(timer);
    return inTime;
  }

  /** A client could bring ever new requests. Where it sends one behind another, the last of them ends the connection. */
  readonly #makeLast = (req: IncomingMessage, res: ServerResponse): void => {
    const current = responseOn(req.socket);
    if (current === res) {
      // One that the client itself wants to be the last stays it, whatever comes behind.
      if (res.shouldKeepAlive) this.#last.add(res);
      res.shouldKeepAlive = false;
    } else if (current && this.#last.has(current)) {
      current.shouldKeepAlive = true;
    }
  };

  #closeIdle(): void {
    const sockets = [...this.#seen.keys()];
    if (sockets.every((socket) => socket.writableLength === 0)) this.server.closeIdleConnections();
    const now = performance.now();
    for (const [socket, seen] of this.#seen) {
      if (responseOn(socket) || socket.bytesRead !== seen.bytes) this.#seen.set(socket, { bytes: socket.bytesRead, since: now });
      else if (now - seen.since >= PATIENCE) socket.destroy();
    }
  }
}

/** The response that has the socket: undocumented, and what graceful stops rely on everywhere. */
export function responseOn(socket: Socket): ServerResponse | null | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
}
