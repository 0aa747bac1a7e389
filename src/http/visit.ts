import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../ground/log';
import type { Deadline } from '../plugin/deadline';
import type { Exchange, Recipient } from '../plugin/exchange';
import type { Reply, ReplyHead } from '../plugin/reply';
import { Body } from './body';
import type { Budget } from './body-budget';
import type { RequestHeaders } from './headers';
import { isHttp2, type AnyRequest, type AnyResponse } from './http2';
import { Pipeline, type Pipelined } from './pipeline';
import { writeError } from './write-error';
import { writeHead, writeReply } from './write-reply';
import { limitWriting } from './write-timeout';

/** Replies below this many bytes are not counted: nearly all of them have left when they were written. */
const LEAST_COUNTED = 16384;

/** What all visits have in common. */
export interface VisitRules {
  readonly log: Logger;
  readonly budget: Budget;
  /** Bytes of a request body. */
  readonly bodyLimit: number;
  /** Milliseconds that a client may leave a reply unread; 0 is no limit. */
  readonly writeTimeout: number;
}

/** One request at the endpoint's door, and the answer to it. */
export class Visit implements Recipient, Pipelined {
  /** What became of it, once its plugin and its body were there. */
  exchange: Exchange | undefined;
  readonly #req: AnyRequest;
  readonly #res: AnyResponse;
  #start: (() => void) | undefined;
  #pipeline: Pipeline | undefined;
  #body: Body | undefined;
  #hasBegun = false;

  /** @param deadline the client's own, which counts from the arrival */
  constructor(
    req: AnyRequest,
    res: AnyResponse,
    readonly headers: RequestHeaders,
    readonly deadline: Deadline | undefined,
    private readonly rules: VisitRules,
  ) {
    this.#req = req;
    this.#res = res;
  }

  /** As node:http has it: what differs in HTTP/2 is taken care of where it matters. */
  get req(): IncomingMessage {
    return this.#req as IncomingMessage;
  }

  get res(): ServerResponse {
    return this.#res as ServerResponse;
  }

  get method(): string {
    return this.#req.method ?? 'GET';
  }

  /** The client has gone: nobody waits for an answer. */
  get isOver(): boolean {
    return isHttp2(this.#req) ? this.#req.stream.destroyed : this.res.destroyed;
  }

  /**
   * Begins with the request: in HTTP/1.1 when those that its client sent before it have been answered, but for a few.
   * @param start what is to be done then
   */
  enter(start: () => void): void {
    if (isHttp2(this.#req)) {
      this.#res.on('close', () => this.abandon());
      start();
    } else {
      this.#start = start;
      this.#pipeline = Pipeline.of(this.#req);
      this.#pipeline.take(this);
    }
  }

  start(): void {
    this.#start?.();
  }

  /** Reads the request's body, and does with it what is to be done, unless that was answered by an error. */
  readBody(use: (body: Buffer) => void): void {
    const body = new Body(this.rules.budget, this.rules.bodyLimit);
    this.#body = body;
    body.read(this.req, (error, bytes) => {
      if (error !== null) this.fail(error);
      else use(bytes);
    });
  }

  abandon(): void {
    this.exchange?.abandon();
    if (this.exchange?.isSettled !== false) this.#body?.release();
  }

  // What the exchange gives.

  reply(reply: Reply): void {
    this.#body?.release();
    const { length } = reply.body;
    if (length < LEAST_COUNTED) {
      writeReply(this.#res, reply);
    } else if (this.rules.budget.take(length)) {
      // Also where nothing is written any more: then there was a close already.
      if (this.isOver) this.rules.budget.give(length);
      else this.#res.once('close', () => this.rules.budget.give(length));
      writeReply(this.#res, reply);
      limitWriting(this.res, this.rules.writeTimeout);
    } else {
      this.fail(this.rules.budget.exceeded());
    }
    this.#pipeline?.answered();
  }

  fail(error: unknown): void {
    this.#body?.release();
    const { exchange } = this;
    const context = exchange && { plugin: exchange.request.file, handler: exchange.handler.symbol, request: exchange.id };
    writeError(error, this.req, this.res, this.rules.log, context);
    // The client must see that what it has is not the whole reply.
    if (this.#hasBegun) this.res.destroy();
    this.#pipeline?.answered();
  }

  begin(head: ReplyHead): void {
    this.#body?.release();
    this.#hasBegun = true;
    writeHead(this.#res, head);
  }

  write(part: Buffer, drained: () => void): boolean {
    const { res } = this;
    if (this.isOver || res.write(part)) return true;
    limitWriting(res, this.rules.writeTimeout);
    const next = (): void => {
      res.off('drain', next).off('close', next);
      drained();
    };
    res.on('drain', next).on('close', next);
    return false;
  }

  end(): void {
    this.res.end();
    this.#pipeline?.answered();
  }
}
