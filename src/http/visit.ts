import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import type { Deadline } from '../plugin/deadline';
import type { Exchange, Recipient } from '../plugin/exchange';
import type { Release, Reply, ReplyHead } from '../plugin/reply';
import { Body, type BodyBytes } from './body';
import type { Budget } from './body-budget';
import type { RequestHeaders } from './headers';
import { isHttp2, type AnyRequest, type AnyResponse } from './http2';
import { Pipeline, type Pipelined } from './pipeline';
import { writeError } from './write-error';
import { writeHead, writeReply } from './write-reply';
import { limitStream } from './write-timeout';

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
  #isGone = false;
  /** An HTTP/2 stream has its write timeout. */
  #isLimited = false;
  /** Bytes of the reply that are taken from the budget. */
  #counted = 0;
  /** Gives the memory of the reply's body back. */
  #release: Release | undefined;
  /** Whoever waits until more can be written. */
  #drained: (() => void) | undefined;

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
    // Of a connection that is over, only the response whose turn it was is destroyed.
    return this.#isGone || (isHttp2(this.#req) ? this.#req.stream.destroyed : this.res.destroyed);
  }

  get isDone(): boolean {
    return this.#counted === 0 && this.res.writableEnded;
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
      this.#pipeline = Pipeline.of(this.#req, this.rules.writeTimeout);
      this.#pipeline.take(this);
    }
  }

  start(): void {
    this.#start?.();
  }

  /** Reads the request's body, and does with it what is to be done, unless that was answered by an error. */
  readBody(use: (body: BodyBytes) => void): void {
    const body = new Body(this.rules.budget, this.rules.bodyLimit);
    this.#body = body;
    body.read(this.req, (error, bytes) => {
      if (error !== null) this.fail(error);
      else use(bytes);
    });
  }

  abandon(): void {
    this.#isGone = true;
    this.exchange?.abandon();
    if (this.exchange?.isSettled !== false) this.#body?.release();
    this.#uncount();
    this.#goOn();
  }

  // What the exchange gives.

  reply(reply: Reply): void {
    // The call has ended, so its body is read by nobody, unless it is still being sent.
    this.#body?.release(this.exchange?.isBodyLent === false);
    const { length } = reply.body;
    if (!this.#count(length)) {
      reply.release?.();
      this.fail(this.rules.budget.exceeded());
      return;
    }
    this.#release = reply.release;
    const kept = reply.release === undefined ? reply : this.#keep(reply);
    if (this.#write(() => writeReply(this.#res, kept))) this.#wrote();
    // Not counted: nothing of it is written, or it is short.
    if (this.#counted === 0) this.#giveBack();
  }

  dropped(): void {
    this.#body?.release();
  }

  fail(error: unknown): void {
    this.#body?.release();
    const { exchange } = this;
    const context = exchange && { plugin: exchange.request.file, handler: exchange.handler.symbol, request: exchange.id };
    writeError(error, this.req, this.res, this.rules.log, context);
    // The client must see that what it has is not the whole reply.
    if (this.#hasBegun) this.res.destroy();
    this.#wrote();
  }

  begin(head: ReplyHead): void {
    this.#body?.release();
    this.#hasBegun = this.#write(() => writeHead(this.#res, head));
  }

  write(part: Buffer, drained: () => void): boolean {
    if (this.isOver || this.res.writableEnded || this.res.write(part)) return true;
    this.#drained = drained;
    this.res.once('drain', () => this.#goOn());
    this.#wrote();
    return false;
  }

  end(): void {
    if (!this.res.writableEnded) this.res.end();
    this.#wrote();
  }

  /** HTTP/2 refuses more than HTTP/1.1: a second Location, say. @returns whether it was written, and not answered by an error */
  #write(write: () => void): boolean {
    if (!isHttp2(this.#req)) {
      write();
      return true;
    }
    const before = this.res.getHeaderNames();
    try {
      write();
      return true;
    } catch (cause) {
      for (const name of this.res.getHeaderNames()) if (!before.includes(name)) this.res.removeHeader(name);
      const symbol = this.exchange?.handler.symbol ?? '';
      this.fail(new DlserveError('BAD_HEADERS', { symbol, reason: messageOf(cause) }, { cause }));
      return false;
    }
  }

  /** Takes what a reply has from the budget, until it has left. @returns whether there is room */
  #count(length: number): boolean {
    if (length < LEAST_COUNTED || this.isOver) return true;
    if (!this.rules.budget.take(length)) return false;
    this.#counted = length;
    this.res.once('close', () => this.#uncount());
    return true;
  }

  /** A session of HTTP/2, or middleware that has put itself before the response, may still have bytes in hand when that is closed. */
  #keep(reply: Reply): Reply {
    if (!isHttp2(this.#req) && !Object.hasOwn(this.#res, 'write') && !Object.hasOwn(this.#res, 'end')) return reply;
    const copy = { ...reply, body: Buffer.from(reply.body as Buffer) };
    this.#giveBack();
    return copy;
  }

  #uncount(): void {
    this.#giveBack();
    if (this.#counted === 0) return;
    this.rules.budget.give(this.#counted);
    this.#counted = 0;
    this.#pipeline?.wrote();
  }

  #giveBack(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  #goOn(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  /** Lets those behind it go on, and sees to it that it is read. */
  #wrote(): void {
    if (isHttp2(this.#req)) {
      if (!this.#isLimited) limitStream(this.#res as Http2ServerResponse, this.rules.writeTimeout);
      this.#isLimited = true;
    } else {
      this.#pipeline!.wrote();
    }
  }
}
