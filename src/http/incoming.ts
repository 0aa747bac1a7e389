import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import type { BodySource } from '../plugin/body-source';
import { isHttp2 } from './http2';

/** Bytes of a body that nobody takes which are read all the same, so that the client comes to see its answer. */
const MOST_DROPPED = 1024 * 1024;

/** Connections on which a body comes in parts: how long all of it takes is not limited. */
const patient = new WeakSet<Socket>();

export function isPatient(socket: Socket): boolean {
  return patient.has(socket);
}

/**
 * A request's body that leaves the connection as its handler takes it: at most one part of it, and what Node.js reads ahead, is in memory.
 * A client that sends nothing for too long, while it is waited for, is cut off.
 */
export class Incoming implements BodySource {
  readonly #socket: Socket | undefined;
  /** Come, and not taken. */
  readonly #parts: Buffer[] = [];
  #state: 'open' | 'ended' | 'broken' = 'open';
  #wake: (() => void) | undefined;
  #isAwaited = false;
  #stalled: NodeJS.Timeout | undefined;
  #dropped: number | undefined;
  /** The answer has left. */
  #isAnswered = false;

  /** @param limit milliseconds that the client may send nothing; 0 is no limit */
  constructor(
    private readonly req: IncomingMessage,
    private readonly limit: number,
  ) {
    this.#socket = isHttp2(req) ? undefined : req.socket;
    if (this.#socket !== undefined) patient.add(this.#socket);
    // Without a listener an abort would be an uncaught exception.
    req.on('error', () => this.#end('broken')).on('close', () => this.#end(req.readableEnded ? endOf(req) : 'broken'));
    req.on('end', () => {
      if (this.#socket !== undefined) this.#end('ended');
      // In HTTP/2 a client that leaves is an end, too, and it is said two turns of the event loop later that it has left.
      else setImmediate(() => setImmediate(() => this.#end(endOf(req))));
    });
    req.on('data', (part: Buffer) => this.#take(part)).pause();
  }

  async next(): Promise<Buffer | null> {
    while (this.#parts.length === 0 && this.#state === 'open') await this.#more();
    const part = this.#parts.shift();
    if (part !== undefined) return part;
    if (this.#state === 'broken') throw new Error('the client has gone before it had sent all of its body');
    return null;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#await();
    });
  }

  #await(): void {
    this.#isAwaited = true;
    if (this.#stalled !== undefined) this.#stalled.refresh();
    else if (this.limit > 0) this.#stalled = setTimeout(() => this.#stall(), this.limit).unref();
    this.req.resume();
  }

  #stall(): void {
    this.#stalled = undefined;
    if (this.#isAwaited) cutOff(this.req);
  }

  #take(part: Buffer): void {
    if (this.#dropped !== undefined) {
      this.#drop(part.length);
      return;
    }
    this.#isAwaited = false;
    this.req.pause();
    this.#parts.push(part);
    this.#wake?.();
  }

  #end(state: 'ended' | 'broken'): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    clearTimeout(this.#stalled);
    if (this.#socket !== undefined) patient.delete(this.#socket);
    this.#wake?.();
  }

  /** Nobody takes more of it. What still comes is dropped; where that is too much, the connection ends with the answer. */
  close(): void {
    if (this.#dropped !== undefined || this.#state !== 'open') return;
    this.#dropped = 0;
    this.#await();
    this.#drop(this.#parts.splice(0).reduce((bytes, { length }) => bytes + length, 0));
  }

  /** The answer has left, so nothing is lost where the connection ends. */
  answered(): void {
    this.#isAnswered = true;
    if (this.#dropped !== undefined) this.#drop(0);
  }

  #drop(bytes: number): void {
    this.#dropped! += bytes;
    if (this.#state !== 'open') return;
    if (this.#dropped! <= MOST_DROPPED) {
      this.#stalled?.refresh();
    } else if (this.#isAnswered) {
      cutOff(this.req);
    } else {
      this.#isAwaited = false;
      this.req.pause();
    }
  }
}

/** Of a request of HTTP/2. */
function endOf(req: IncomingMessage | Http2ServerRequest): 'ended' | 'broken' {
  return (req as Http2ServerRequest).aborted ? 'broken' : 'ended';
}

function cutOff(req: IncomingMessage | Http2ServerRequest): void {
  if (isHttp2(req)) req.stream.close();
  else req.socket.destroySoon();
}
