import type { Socket } from 'node:net';
import type { Exchange } from '../../../plugin/exchange';
import { BodyMode } from '../../../plugin/handlers';
import type { Area } from './area';
import type { LoneCall } from './lone-call';
import { AreaLayout, CALL_HEADER, CallFlag, PLACE_SIZE, writeCallHeader } from './protocol';

const SLAB = 65536;
/** A body of this size travels in a write of its own rather than through the slab. */
const LARGE_BODY = 16384;
/** UTF-8 takes at most this many bytes for a UTF-16 unit. */
const WIDEST = 3;

/** Bytes that a call's frame has at most. */
export function frameBound({ text, bodyLength }: Exchange): number {
  return CALL_HEADER + text.length * WIDEST + bodyLength;
}

function flagsOf({ bodyParts, handler }: Exchange): number {
  if (bodyParts === null) return 0;
  return handler.body === BodyMode.TEXT ? CallFlag.HAS_BODY : CallFlag.HAS_BODY | CallFlag.COMPLETE;
}

/** Calls on their way to one runner: those of one turn of the event loop are written together. */
export class Batch {
  /** Bytes that were added so far. */
  given = 0;
  private readonly socket: Socket | null;
  private readonly lone: LoneCall | undefined;
  private readonly area: Area | null;
  private slab = Buffer.allocUnsafeSlow(SLAB);
  /** The slab up to `written` was given to the socket; up to `end` it waits. */
  private written = 0;
  private end = 0;
  private scheduled = false;
  private readonly flushLater = (): void => {
    this.scheduled = false;
    this.flush();
  };

  /**
   * @param socket null: there is nobody to write to
   * @param area for large bodies; null: there is none
   * @param lone waits for calls that are alone, where that is possible
   */
  constructor(socket: Socket | null, area: Area | null, lone?: LoneCall) {
    this.socket = socket;
    this.area = area;
    this.lone = lone;
  }

  /**
   * Adds a call.
   * @param alone nothing else is on its way, so there is nothing to wait for
   * @returns whether its body does not travel with it, but lies in the area
   * @throws RangeError when memory is out; the call is not added then
   */
  add(id: number, exchange: Exchange, alone: boolean): boolean {
    const { bodyLength } = exchange;
    const place = bodyLength > AreaLayout.LEAST && exchange.text.length * WIDEST < SLAB / 2 ? (this.area?.put(id, exchange.bodyParts!, bodyLength) ?? 0) : 0;
    const bound = frameBound(exchange);
    if (place === 0 && (bound > SLAB || bodyLength >= LARGE_BODY)) {
      this.addLarge(id, exchange);
      return false;
    }
    const room = place === 0 ? bound : bound - bodyLength + PLACE_SIZE;
    if (this.end + room > SLAB) this.renew();
    this.addShort(id, exchange, place);
    this.send(alone);
    return place !== 0;
  }

  /** @param place where in the area the body is; 0: it travels with the call */
  private addShort(id: number, exchange: Exchange, place: number): void {
    const { text, handler, limits } = exchange;
    const slab = this.slab;
    const start = this.end;
    const headLength = slab.write(text, start + CALL_HEADER, 'utf8');
    let end = start + CALL_HEADER + headLength;
    if (place !== 0) {
      slab.writeDoubleLE(place, end);
      end = slab.writeDoubleLE(exchange.bodyLength, end + 8);
    } else if (exchange.body !== null) {
      end += exchange.body.copy(slab, end);
    }
    const flags = place === 0 ? flagsOf(exchange) : flagsOf(exchange) | CallFlag.IN_AREA;
    writeCallHeader(slab, start, end - start, id, handler.index, headLength, flags, limits);
    this.end = end;
    this.given += end - start;
  }

  private send(alone: boolean): void {
    if (!alone) this.lone?.isJoined();
    if (this.scheduled) return;
    if (alone) {
      this.flush();
      this.lone?.begins();
    } else {
      this.scheduled = true;
      setImmediate(this.flushLater);
    }
  }

  /** Writes what was added. */
  flush(): void {
    const socket = this.socket;
    if (this.end === this.written || socket?.writable !== true) return;
    socket.write(this.slab.subarray(this.written, this.end));
    this.written = this.end;
    if (socket.writableLength === 0) this.written = this.end = 0;
  }

  /** Writes a frame that is no call, after the calls that were added. */
  write(frame: Buffer): void {
    this.flush();
    this.given += frame.length;
    if (this.socket?.writable === true) this.socket.write(frame);
  }

  /** The body is not copied: its buffers go to the socket as they are. */
  private addLarge(id: number, exchange: Exchange): void {
    const { bodyParts, bodyLength, text, handler, limits } = exchange;
    this.flush();
    const headLength = Buffer.byteLength(text);
    const start = Buffer.allocUnsafe(CALL_HEADER + headLength);
    const length = start.length + bodyLength;
    this.given += length;
    const socket = this.socket;
    if (socket?.writable !== true) return;
    exchange.isBodyLent = true;
    writeCallHeader(start, 0, length, id, handler.index, headLength, flagsOf(exchange), limits);
    start.write(text, CALL_HEADER, 'utf8');
    socket.cork();
    socket.write(start);
    for (const part of Buffer.isBuffer(bodyParts) ? [bodyParts] : (bodyParts ?? [])) if (part.length > 0) socket.write(part);
    socket.uncork();
  }

  private renew(): void {
    this.flush();
    if (this.end === 0) return;
    this.slab = Buffer.allocUnsafeSlow(SLAB);
    this.written = this.end = 0;
  }
}
