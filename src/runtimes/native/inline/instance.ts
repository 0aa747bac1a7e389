import { DlserveError } from '../../../ground/errors';
import { Conditions } from '../../../ground/waiting';
import type { Exchange } from '../../../plugin/exchange';
import type { Handlers } from '../../../plugin/handlers';
import type { PluginSource } from '../../../plugin/runtime';
import type { OpenImage, SharedInstance } from '../images';
import { callInit, callStop } from '../koffi/lifecycle';
import { LoadedLibrary } from '../loaded-library';
import { internal } from '../refusals';

/** A library whose handlers are ready to be called. */
export interface Invoker {
  /** Runs a handler to its end, unless the call's deadline has passed, and settles the exchange; or throws. */
  invoke(exchange: Exchange): void;
  /** No call will follow. */
  end(): void;
}

/** Mode "inline": all that a library does, it does on the event loop's own thread. */
export async function openInline(
  source: PluginSource,
  prepare: (source: PluginSource, library: LoadedLibrary) => Invoker,
): Promise<OpenImage> {
  const library = LoadedLibrary.open(source);
  try {
    await callInit(library, source, (init, ...args) => init(...args) as unknown);
    return { instance: new InlineInstance(source, library, prepare(source, library)), library };
  } catch (refusal) {
    library.unload();
    throw refusal;
  }
}

class InlineInstance implements SharedInstance {
  readonly conditions = new Conditions();
  readonly capacity = 1;
  readonly outstanding = 0;
  readonly processes = [];
  #closing: Promise<void> | undefined;

  constructor(
    private readonly source: PluginSource,
    private readonly library: LoadedLibrary,
    private readonly invoker: Invoker,
  ) {}

  /** No call outlives call(). */
  underway(): Exchange[] {
    return [];
  }

  giveUp(): void {}

  get handlers(): Handlers {
    return this.source.handlers;
  }

  call(exchange: Exchange): void {
    if (this.#closing !== undefined) {
      exchange.fail(new DlserveError('STOPPING'));
      return;
    }
    try {
      this.invoker.invoke(exchange);
    } catch (error) {
      exchange.fail(error instanceof DlserveError ? error : internal(this.source, exchange, error));
    }
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
    this.invoker.end();
    this.library.close();
  }
}
