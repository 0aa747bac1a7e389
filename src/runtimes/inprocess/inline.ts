import { DlserveError } from '../../ground/errors';
import type { RawReply } from '../../contract/reply';
import type { Call, Plugin, PluginSource, Runtime } from '../../contract/runtime';
import { Library } from './library';
import { callInit, callStop } from './lifecycle';
import { internal } from './refusals';

/** A library's handlers, ready for calls. */
export interface Handlers {
  /**
   * Runs a handler to its end, unless the call's deadline has passed.
   * @throws DlserveError TIMEOUT, REPLY_TOO_LARGE or INTERNAL
   */
  invoke(call: Call): RawReply;
  /** No call will follow. */
  end(): void;
}

/** Mode "inline": all that a library does, it does on the event loop's own thread. */
export class InlineRuntime implements Runtime {
  constructor(private readonly prepare: (source: PluginSource, library: Library) => Handlers) {}

  async open(source: PluginSource): Promise<Plugin> {
    const library = Library.open(source);
    try {
      await callInit(library, source, (init, ...args) => init(...args) as unknown);
      return new InlinePlugin(source, library, this.prepare(source, library));
    } catch (refusal) {
      library.unload();
      throw refusal;
    }
  }
}

class InlinePlugin implements Plugin {
  readonly capacity = 1;
  readonly outstanding = 0;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly source: PluginSource,
    private readonly library: Library,
    private readonly handlers: Handlers,
  ) {}

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
    return this.handlers.invoke(call);
  }

  /** No call outlives call(). */
  expire(): void {}

  withdraw(): boolean {
    return false;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await callStop(this.library, (stop) => stop() as unknown);
    this.handlers.end();
    this.library.close();
  }
}
