import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { bodyOfParts, type BodySource } from '../plugin/body-source';
import type { Deadline } from '../plugin/deadline';
import type { Exchange } from '../plugin/exchange';
import type { Recipient } from '../plugin/recipient';
import type { Release, Reply, ReplyHead } from '../plugin/reply';
import { alreadyRead, Body, type BodyBytes } from './body';
import type { Budget } from './body-budget';
import { breakOff } from './break-off';
import { letSend } from './continue';
import type { RequestHeaders } from './headers';
import { isHttp2, type AnyRequest, type AnyResponse } from './http2';
import { Incoming } from './incoming';
import { Parts } from './parts';
import { Pipeline, type Pipelined } from './pipeline';
import { writeError } from './write-error';
import { writeHead, writeReply } from './write-reply';
import { limitStream } from './write-timeout';

/** Replies below this many bytes are not counted: nearly all of them have left when they were written. */
const LEAST_COUNTED = 16384;

/** Statuses whose answers have no body (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const BODILESS = new Set([204, 205, 304]);

/** What all visits have in common. */
export interface VisitRules {
  readonly log: Logger;
  readonly budget: Budget;
  /** Bytes of a request body. */
  readonly bodyLimit: number;
  /** Milliseconds that a client may leave a reply unread, or send nothing of a body that is taken in parts; 0 is no limit. */
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
  /** In place of it, where it comes in parts. */
  #incoming: Incoming | undefined;
  /** A reply that comes in parts, and has begun. */
  #parts: Parts | undefined;
  #isGone = false;
  /** An HTTP/2 stream has its write timeout. */
  #isLimited = false;
  /** Bytes of the reply that are taken from the budget. */
  #counted = 0;
  /** Gives the memory of the reply's body back. */
  #release: Release | undefined;

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

  /** The request's body, for a handler that takes it while it comes; null where somebody has read what can't be had again. */
  takeBody(): BodySource | null {
    const read = alreadyRead(this.req);
    if (read !== undefined) return Buffer.isBuffer(read) ? bodyOfParts([read]) : null;
    letSend(this.res);
    this.#incoming = new Incoming(this.req, this.rules.writeTimeout);
    this.res.once('finish', () => this.#incoming!.answered());
    return this.#incoming;
  }

  /** Reads the request's body and keeps nothing of it, so the client hears the answer whenever it looks. */
  dropBody(): void {
    this.#req.on('error', () => undefined).resume();
  }

  abandon(): void {
    this.#isGone = true;
    this.exchange?.abandon();
    if (this.exchange?.isSettled !== false) this.#body?.release();
    this.#uncount();
    this.#parts?.release();
  }

  // What the exchange gives.

  reply(reply: Reply): void {
    // The call has ended, so its body is read by nobody, unless it is still being sent.
    this.#releaseBody(this.exchange?.isBodyLent === false);
    if (!this.#count(reply.body.length)) {
      reply.release?.();
      this.fail(this.rules.budget.exceeded());
      return;
    }
    this.#release = reply.release;
    const kept = reply.release === undefined ? reply : this.#keep(reply);
    this.#write(() => writeReply(this.#res, kept));
    this.#wrote();
    // Not counted: nothing of it is written, or it is short.
    if (this.#counted === 0) this.#giveBack();
  }

  dropped(): void {
    this.#releaseBody();
  }

  fail(error: unknown): void {
    this.#releaseBody();
    const { exchange } = this;
    const context = exchange && { plugin: exchange.request.file, handler: exchange.handler.symbol, request: exchange.id };
    writeError(error, this.req, this.res, this.rules.log, context);
    // The client must see that what it has is not the whole reply.
    if (this.#parts !== undefined && !this.isOver && !this.res.writableEnded) breakOff(this.#res);
    this.#wrote();
  }

  begin(head: ReplyHead): void {
    this.#body?.release();
    const isMine = this.#write(() => writeHead(this.#res, head));
    // Where there is no room for parts, the handler need not go on with them, nor the client wait for their end.
    if (isMine && (this.method === 'HEAD' || BODILESS.has(head.status))) this.res.end();
    if (isMine && !this.res.writableEnded) this.#parts = new Parts(this.res, this.rules.budget);
    else queueMicrotask(() => this.exchange?.abandon());
    this.#wrote();
  }

  write(part: Buffer, drained: () => void): boolean {
    if (this.#parts === undefined || this.isOver || this.res.writableEnded || this.#parts.write(part, drained)) return true;
    this.#wrote();
    return false;
  }

  end(): void {
    this.#releaseBody();
    if (this.#parts !== undefined && !this.res.writableEnded) this.res.end();
    this.#wrote();
  }

  /** The call has come to its end. @param isUnread see {@link Body.release} */
  #releaseBody(isUnread = false): void {
    this.#body?.release(isUnread);
    this.#incoming?.close();
  }

  /** HTTP/2 refuses more than HTTP/1.1: a second Location, say. @returns whether it was written; one that was refused is answered by an error */
  #write(write: () => boolean): boolean {
    if (!isHttp2(this.#req)) return write();
    const before = this.res.getHeaderNames();
    try {
      return write();
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
