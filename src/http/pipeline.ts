import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { WriteTimeout } from './write-timeout';

/** Requests of one connection that are taken at once; those sent behind them wait. */
const MOST_TAKEN = 16;
/** Requests that may wait so; a connection that brings more is cut. */
const MOST_HELD = 512;

const PIPELINE = Symbol('pipeline');

type PipelinedSocket = Socket & { [PIPELINE]?: Pipeline };

/** A request of a pipeline. */
export interface Pipelined {
  readonly res: ServerResponse;
  /** Its answer was given, and nothing is kept of it. */
  readonly isDone: boolean;
  /** Begins with it. */
  start(): void;
  /** Its client has left. */
  abandon(): void;
}

/**
 * The requests of one HTTP/1.1 connection, which a client may send one behind the other without waiting for answers. node:http hands on
 * all that it has read, and of a client that leaves it tells only the request that is answered just then.
 */
export class Pipeline {
  /** Begun and not yet answered, in order. */
  readonly #begun: Pipelined[] = [];
  #held: Pipelined[] = [];
  readonly #writeTimeout: WriteTimeout;

  private constructor(
    private readonly socket: Socket,
    writeTimeout: number,
  ) {
    this.#writeTimeout = new WriteTimeout(socket, writeTimeout);
    socket.once('close', () => this.#abandon());
  }

  /**
   * The pipeline of a request's connection.
   * @param writeTimeout milliseconds that its client may leave replies unread; 0 is no limit
   */
  static of({ socket }: IncomingMessage, writeTimeout: number): Pipeline {
    const known = (socket as PipelinedSocket)[PIPELINE];
    return known ?? ((socket as PipelinedSocket)[PIPELINE] = new Pipeline(socket, writeTimeout));
  }

  /** Begins with a request, now or when those before it are answered; or never, where the client leaves before. */
  take(request: Pipelined): void {
    this.answered();
    if (this.#begun.length < MOST_TAKEN) {
      this.#begun.push(request);
      request.start();
    } else if (this.#held.push(request) > MOST_HELD) {
      this.socket.destroy();
    } else if (this.#held.length === 1) {
      this.#begun[0]!.res.once('finish', this.#goOn);
    }
  }

  /** Lets go of those that are answered: answers leave in order, so one that is ready may have to wait for those before it. */
  answered(): void {
    while (this.#begun[0]?.isDone === true) this.#begun.shift();
  }

  /** Something of a reply was written. */
  wrote(): void {
    if (this.socket.writableLength > 0 || this.#begun.length > 0) this.#writeTimeout.watch(() => this.#begun.length > 0);
  }

  readonly #goOn = (): void => {
    const waiting = this.#held;
    this.#held = [];
    for (const request of waiting) this.take(request);
  };

  #abandon(): void {
    this.#writeTimeout.stop();
    this.#held = [];
    for (const request of this.#begun.splice(0)) request.abandon();
  }
}
