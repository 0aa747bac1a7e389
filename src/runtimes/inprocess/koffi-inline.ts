import { DlserveError } from '../../ground/errors';
import type { RawReply } from '../../contract/reply';
import type { Call, Plugin, PluginSource, Runtime } from '../../contract/runtime';
import { BoundLibrary, Invocation } from './invocation';
import { Library } from './library';
import { internal, tooLate } from './refusals';

/** Mode "inline" without the addon: koffi's own calls, on the event loop. */
export class KoffiInlineRuntime implements Runtime {
  async open(source: PluginSource): Promise<Plugin> {
    const library = Library.open(source);
    try {
      const bound = new BoundLibrary(library, source);
      await bound.init((init, ...args) => init(...args) as unknown);
      return new KoffiInlinePlugin(source, library, bound);
    } catch (refusal) {
      library.unload();
      throw refusal;
    }
  }
}

class KoffiInlinePlugin implements Plugin {
  readonly capacity = 1;
  readonly outstanding = 0;
  readonly #invocation: Invocation;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly source: PluginSource,
    private readonly library: Library,
    private readonly bound: BoundLibrary,
  ) {
    this.#invocation = new Invocation(bound);
  }

  call(call: Call): void {
    let reply: RawReply;
    try {
      reply = this.#run(call);
    } catch (error) {
      call.settle(error instanceof DlserveError ? error : internal(this.source, call, error), null);
      return;
    }
    call.settle(null, reply);
  }

  #run(call: Call): RawReply {
    if (this.#closing !== undefined) throw new DlserveError('STOPPING');
    if (call.deadline <= performance.now()) throw tooLate(this.source, call);
    const text = this.#invocation.begin(call);
    const handler = this.bound.handlers[call.symbol]!;
    const string = handler(text, this.#invocation.status, this.#invocation.exchange) as bigint | null;
    return this.#invocation.end(string, this.source.symbols[call.symbol]!);
  }

  /** No call outlives call(). */
  expire(): void {}

  close(): Promise<void> {
    this.#closing ??= this.bound.stop((stop) => stop() as unknown).then(() => this.library.close());
    return this.#closing;
  }
}
