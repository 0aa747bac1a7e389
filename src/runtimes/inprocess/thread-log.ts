import type { Call, PluginSource } from '../../contract/runtime';

/** What the log says of calls that hold a thread longer than they may: a thread can't be ended from outside. */
export class ThreadLog {
  constructor(private readonly source: PluginSource) {}

  /** The call has answered 504, and its handler still runs. */
  holds(call: Call): void {
    this.source.log.warn(this.#about(call), 'a call is past its deadline and still holds a thread');
  }

  /** The handler of such a call has returned at last. */
  cameBack(call: Call): void {
    this.source.log.warn(this.#about(call), 'a call that was past its deadline came back; its thread is free again');
  }

  /** The plugin is closed, and these calls still run. */
  givenUp(calls: readonly Call[]): void {
    for (const call of calls) {
      this.source.log.warn(this.#about(call), 'a call did not end before its plugin was closed; its thread is given up');
    }
  }

  /** PluginStop has taken longer than the limit. */
  stopHangs(): void {
    this.source.log.warn({ plugin: this.source.name }, 'PluginStop did not return in time; its thread is given up');
  }

  #about(call: Call): { plugin: string; handler: string; request: string } {
    return { plugin: this.source.name, handler: this.source.symbols[call.symbol]!, request: call.id };
  }
}
