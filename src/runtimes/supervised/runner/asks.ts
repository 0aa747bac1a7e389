import type { Exchange } from '../../../plugin/exchange';
import type { Services } from '../../../plugin/services';
import type { Control } from './control';
import { AskFlag, MOST_ASKED, ProtocolError } from './protocol';

/** A handler's exchange and the one that it has kept may ask at the same time, each once. */
const AT_ONCE = 2;

/** What one call asks the host, and has not been answered. */
export class Asks {
  /** By their numbers: what has come of them. */
  private readonly open = new Map<number, Buffer[]>();

  constructor(
    private readonly id: number,
    private readonly exchange: Exchange,
    private readonly services: Services,
    private readonly control: Control,
  ) {}

  /** The call waits for an answer. */
  get areOpen(): boolean {
    return this.open.size > 0;
  }

  /**
   * The next bytes of what is asked.
   * @param flags see AskFlag
   * @throws ProtocolError
   */
  hear(number: number, flags: number, bytes: Buffer): void {
    let parts = this.open.get(number);
    if (parts === undefined) {
      if (this.open.size === AT_ONCE) throw new ProtocolError('one more ask of a call that waits for answers');
      this.open.set(number, (parts = []));
    }
    parts.push(Buffer.from(bytes));
    if (parts.reduce((sum, { length }) => sum + length, 0) > MOST_ASKED) throw new ProtocolError('more parameters than there may be');
    if ((flags & AskFlag.MORE) === 0) this.ask(number, Buffer.concat(parts.splice(0)).toString().split('\0'));
  }

  private ask(number: number, texts: readonly string[]): void {
    if (texts.length !== 3 || texts[2] !== '') throw new ProtocolError('a malformed ASK');
    void this.services.ask(this.exchange, texts[0]!, texts[1]!).then(({ isOk, json }) => {
      this.open.delete(number);
      this.control.answer(this.id, number, isOk, json);
    });
  }
}
