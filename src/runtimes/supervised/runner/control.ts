import type { Socket } from 'node:net';
import { answerFrame, bodyEnd, bodyHeader, creditFrame } from './talk-frames';

/** What the host says to the calls of one runner while they run. */
export class Control {
  /** @param socket null: there is nobody to say it to */
  constructor(private readonly socket: Socket | null) {}

  answer(id: number, number: number, isOk: boolean, json: string): void {
    this.#write(answerFrame(id, number, isOk, json));
  }

  /**
   * @param taken bytes of the reply, in all
   * @param flags see CreditFlag
   */
  credit(id: number, taken: number, flags: number): void {
    this.#write(creditFrame(id, taken, flags));
  }

  /** The next bytes of a call's body. */
  body(id: number, bytes: Buffer): void {
    this.socket?.cork();
    this.#write(bodyHeader(id, bytes.length));
    this.#write(bytes);
    this.socket?.uncork();
  }

  /** @param isBroken there is more, but it is not to be had */
  bodyEnd(id: number, isBroken: boolean): void {
    this.#write(bodyEnd(id, isBroken));
  }

  #write(frame: Buffer): void {
    if (this.socket?.writable === true) this.socket.write(frame);
  }
}
