import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../ground/log';
import type { Deadline } from '../plugin/deadline';
import type { Exchange, Recipient } from '../plugin/exchange';
import type { Reply, ReplyHead } from '../plugin/reply';
import type { RequestHeaders } from './headers';
import { writeError } from './write-error';
import { writeHead, writeReply } from './write-reply';

/** One request at the endpoint's door, and the answer to it. */
export class Visit implements Recipient {
  /** What became of it, once its plugin and its body were there. */
  exchange: Exchange | undefined;
  #hasBegun = false;

  /** @param deadline the client's own, which counts from the arrival */
  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    readonly headers: RequestHeaders,
    readonly deadline: Deadline | undefined,
    private readonly log: Logger,
  ) {}

  get method(): string {
    return this.req.method ?? 'GET';
  }

  /** The client has gone: nobody waits for an answer. */
  get isOver(): boolean {
    return this.res.destroyed;
  }

  reply(reply: Reply): void {
    writeReply(this.res, reply);
  }

  fail(error: unknown): void {
    const { exchange } = this;
    const context = exchange && { plugin: exchange.request.file, handler: exchange.handler.symbol, request: exchange.id };
    writeError(error, this.req, this.res, this.log, context);
    // The client must see that what it has is not the whole reply.
    if (this.#hasBegun) this.res.destroy();
  }

  begin(head: ReplyHead): void {
    this.#hasBegun = true;
    writeHead(this.res, head);
  }

  write(part: Buffer, drained: () => void): boolean {
    const { res } = this;
    if (res.destroyed || res.write(part)) return true;
    const next = (): void => {
      res.off('drain', next).off('close', next);
      drained();
    };
    res.on('drain', next).on('close', next);
    return false;
  }

  end(): void {
    this.res.end();
  }
}
