import { surface } from '../../../ground/surface';
import type { Exchange } from '../../../plugin/exchange';
import type { RawHead } from '../../../plugin/reply';
import type { PluginSource } from '../../../plugin/runtime';
import type { Services } from '../../../plugin/services';
import { Asks } from './asks';
import type { Control } from './control';
import type { Ledger } from './ledger';
import { CALL_WORDS, CreditFlag, Message, ProtocolError, replyId } from './protocol';
import { ReplyParts } from './reply-parts';
import { readBytes, readHead, readLog, readWant, type LogLine } from './talk-frames';
import { Upload } from './upload';

/** What one call says while it runs, and what it has been told. */
export class Talk {
  readonly reply: ReplyParts;
  readonly upload: Upload;
  readonly asks: Asks;
  private told = 0;

  constructor(
    private readonly id: number,
    readonly exchange: Exchange,
    services: Services,
    private readonly control: Control,
  ) {
    this.reply = new ReplyParts(exchange, () => control.credit(id, this.reply.taken, 0));
    this.upload = new Upload(id, exchange.input, control);
    this.asks = new Asks(id, exchange, services, control);
  }

  /** Its thread waits for the client, or for an answer of the host: it does not hang. */
  get isWaiting(): boolean {
    return this.reply.isStuck || this.upload.isStuck || this.asks.areOpen;
  }

  /** Nobody waits for it any more. @param flags see CreditFlag */
  leave(flags: number): void {
    if ((flags & ~this.told) === 0) return;
    this.told |= flags;
    this.control.credit(this.id, this.reply.taken, this.told);
  }
}

/** The calls of one runner that say something while they run. A call is among them from its first word on. */
export class Talks {
  private readonly talks = new Map<number, Talk>();

  /**
   * @param calls those that the runner was given
   * @param begun how many of them have begun
   */
  constructor(
    private readonly calls: Ledger,
    private readonly source: Pick<PluginSource, 'name' | 'log' | 'services'>,
    private readonly control: Control,
    private readonly begun: () => number,
  ) {}

  /**
   * A runner's frame, any from HEAD to KEPT.
   * @throws ProtocolError
   */
  hear(buffer: Buffer, start: number, end: number): void {
    if (end - start < CALL_WORDS) throw new ProtocolError('a frame of a call that is too short');
    const id = replyId(buffer, start);
    try {
      this.heard(id, buffer, start, end);
    } catch (error) {
      // Of the memory, or of the runner's doing. What somebody else throws who hears of it would take the rest of the chunk with it.
      if (error instanceof ProtocolError || error instanceof RangeError) throw error;
      surface(error);
    }
  }

  private heard(id: number, buffer: Buffer, start: number, end: number): void {
    const number = buffer.readUInt16LE(start + 6);
    const flags = buffer[start + 5]!;
    const message = buffer[start + 4];
    if (message === Message.HEAD) this.begin(id, readHead(buffer, start, end));
    else if (message === Message.CHUNK) this.write(id, readBytes(buffer, start, end));
    else if (message === Message.WANT) this.of(id).upload.want(readWant(buffer, start, end));
    else if (message === Message.ASK) this.of(id).asks.hear(number, flags, readBytes(buffer, start, end));
    else if (message === Message.LOG) this.log(id, readLog(buffer, start, end));
    else this.keep(id);
  }

  private begin(id: number, head: RawHead): void {
    const talk = this.of(id);
    talk.reply.begin(head);
    if (!talk.exchange.isAwaited) talk.leave(CreditFlag.GONE);
  }

  private write(id: number, bytes: Buffer): void {
    const talk = this.of(id);
    talk.reply.write(bytes);
    if (!talk.exchange.isAwaited) talk.leave(CreditFlag.GONE);
  }

  private log(id: number, { level, lost, text }: LogLine): void {
    const exchange = this.talks.get(id)?.exchange ?? this.callOf(id);
    const { name, log, services } = this.source;
    const fields = { plugin: name, handler: exchange.handler.symbol, request: exchange.id };
    if (lost > 0) log.warn(fields, `${lost} lines of its log came too fast, and are lost`);
    services.log(exchange, level, text);
  }

  private keep(id: number): void {
    if (this.talks.get(id)?.reply.hasBegun !== true || !this.calls.keep(id)) throw new ProtocolError(`call ${id} is kept out of order`);
  }

  private of(id: number): Talk {
    let talk = this.talks.get(id);
    if (talk !== undefined) return talk;
    const exchange = this.callOf(id);
    talk = new Talk(id, exchange, this.source.services, this.control);
    this.talks.set(id, talk);
    if (!exchange.isAwaited) talk.leave(CreditFlag.GONE | (this.calls.isOverdue(exchange) ? CreditFlag.OVER : 0));
    return talk;
  }

  private callOf(id: number): Exchange {
    const exchange = this.calls.get(id);
    if (exchange === undefined) throw new ProtocolError(`words of call ${id}, which is not open`);
    if (id > this.begun()) throw new ProtocolError(`words of call ${id}, which has not begun`);
    return exchange;
  }

  /** See {@link Talk.isWaiting}. */
  isWaiting(id: number): boolean {
    return this.talks.get(id)?.isWaiting === true;
  }

  /** Nobody waits for a call any more. @param flags see CreditFlag */
  leave(id: number, flags: number): void {
    this.talks.get(id)?.leave(flags);
  }

  /** All are to come to their end. */
  leaveAll(): void {
    for (const talk of this.talks.values()) talk.leave(CreditFlag.GONE | CreditFlag.OVER);
  }

  /** The runner has answered a call. @returns what that has said, where it has said something */
  end(id: number): Talk | undefined {
    const talk = this.talks.get(id);
    talk?.upload.end();
    this.talks.delete(id);
    return talk;
  }

  /** The runner has ended. What was written before goes to the clients. */
  endAll(): void {
    for (const { reply, upload } of this.talks.values()) {
      upload.end();
      reply.flush();
    }
    this.talks.clear();
  }
}
