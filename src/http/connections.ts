import { Server as NetServer, type Socket } from 'node:net';
import type { Server, ServerResponse } from 'node:http';

/** Milliseconds between two looks at what still goes on. */
const LOOK = 50;

/**
 * The connections of a server, for its graceful stop. What node:http itself closes as idle includes connections whose answer
 * is still being sent, and leaves those out on which no request ever came.
 */
export class Connections {
  /** Bytes that had come at the last look. */
  readonly #seen = new Map<Socket, number>();

  constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.#seen.set(socket, -1);
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
    // A connection that is kept alive would be waited for long after its last request, and could bring ever new ones.
    this.server.prependListener('request', (_req, res) => {
      res.shouldKeepAlive = false;
    });
    const look = setInterval(() => this.#closeIdle(), LOOK);
    this.#closeIdle();
    // Not the close of node:http, see above.
    await new Promise((resolve) => NetServer.prototype.close.call(this.server, resolve));
    clearInterval(look);
    clearTimeout(timer);
    return inTime;
  }

  /** A connection is idle when no answer is due or being sent on it, and nothing has come since the last look. */
  #closeIdle(): void {
    for (const [socket, seen] of this.#seen) {
      // Undocumented, and what every graceful stop relies on: the response that has the socket.
      const response = (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
      if (response) response.shouldKeepAlive = false;
      else if (socket.bytesRead === seen) socket.destroy();
      this.#seen.set(socket, socket.bytesRead);
    }
  }
}
