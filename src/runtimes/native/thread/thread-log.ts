import { LimitedLog } from '../../../ground/limited-log';
import type { Exchange } from '../../../plugin/exchange';
import type { NativeSource } from '../keys';

/** What the log says of calls that hold a thread longer than they may: a thread can't be ended from outside. */
export class ThreadLog {
  /** A plugin may hang as often as it is called. */
  readonly #limited: LimitedLog;

  constructor(private readonly source: NativeSource) {
    this.#limited = new LimitedLog(source.log, () => ({ plugin: source.name }));
  }

  /** The call has had its time, and its handler still runs. */
  holds(exchange: Exchange): void {
    const reason = 'a call takes longer than its timeout and still holds a thread';
    this.#limited.write('warn', reason, () => this.#about(exchange), reason);
    const calls = [{ handler: exchange.handler.symbol, request: exchange.id }];
    this.source.observer.fault({ kind: 'hang', at: Date.now(), plugin: this.source.name, reason, calls });
  }

  /** The handler of such a call has returned at last. */
  cameBack(exchange: Exchange): void {
    const message = 'a call that took longer than its timeout came back; its thread is free again';
    this.#limited.write('warn', message, () => this.#about(exchange), message);
  }

  /** The plugin is closed, and these calls still run. */
  givenUp(exchanges: readonly Exchange[]): void {
    for (const exchange of exchanges) {
      this.source.log.warn(this.#about(exchange), 'a call did not end before its plugin was closed; its thread is given up');
    }
  }

  /** PluginStop has taken longer than the limit. */
  stopHangs(): void {
    this.source.log.warn({ plugin: this.source.name }, 'PluginStop did not return in time; its thread is given up');
  }

  #about(exchange: Exchange): { plugin: string; handler: string; request: string } {
    return { plugin: this.source.name, handler: exchange.handler.symbol, request: exchange.id };
  }
}
