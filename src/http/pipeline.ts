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
  #isGoingOn = false;
  #waitsForDrain = false;
  readonly #writeTimeout: WriteTimeout;

  private constructor(
    private readonly socket: Socket,
    writeTimeout: number,
  ) {
    this.#writeTimeout = new WriteTimeout(socket, writeTimeout, () => this.#begun.length > 0);
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
    if (this.#held.push(request) > MOST_HELD) this.socket.destroy();
    else this.#goOn();
  }

  /** Something of an answer was written, or has left: answers leave in order, so one that is ready may have to wait for those before it. */
  wrote(): void {
    this.#goOn();
    if (this.socket.writableLength > 0 || this.#begun.length > 0) this.#writeTimeout.watch();
  }

  /** Lets go of those that are answered, and begins with those that there is room for by then. */
  readonly #goOn = (): void => {
    this.#forget();
    // One that is answered at once comes here again.
    if (this.#isGoingOn) return;
    this.#isGoingOn = true;
    while (!this.socket.destroyed && this.#held.length > 0 && this.#begun.length < MOST_TAKEN && !this.#mustDrain()) {
      const next = this.#held.shift()!;
      this.#begun.push(next);
      next.start();
      this.#forget();
    }
    this.#isGoingOn = false;
  };

  #forget(): void {
    while (this.#begun[0]?.isDone === true) this.#begun.shift();
  }

  /** Whether the client is behind with reading; then this goes on when it is not. */
  #mustDrain(): boolean {
    if (!this.socket.writableNeedDrain) return false;
    if (!this.#waitsForDrain) {
      this.#waitsForDrain = true;
      this.socket.once('drain', () => {
        this.#waitsForDrain = false;
        this.#goOn();
      });
    }
    return true;
  }

  #abandon(): void {
    this.#writeTimeout.stop();
    this.#held = [];
    for (const request of this.#begun.splice(0)) request.abandon();
  }
}
