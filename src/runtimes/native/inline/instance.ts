import { DlserveError } from '../../../ground/errors';
import { Conditions } from '../../../ground/waiting';
import type { Exchange } from '../../../plugin/exchange';
import type { Handlers } from '../../../plugin/handlers';
import { LIFE } from '../addon';
import type { OpenImage, SharedInstance } from '../images';
import type { NativeSource } from '../keys';
import { callBodies, callDeclared, callInit, callNumber, callStart, callStop, type Run } from '../koffi/lifecycle';
import { openPinned } from '../koffi/open';
import type { LoadedLibrary } from '../loaded-library';
import { openAlone } from '../loader';
import { notTaken } from '../refusals';
import { whileRunning } from '../status';

/** A library whose handlers are ready to be called. */
export interface Invoker {
  /** Runs a handler to its end, unless its client's deadline has passed, and settles the exchange; or throws. */
  invoke(exchange: Exchange): void;
  /** No call will follow. */
  end(): void;
}

/**
 * Mode "inline": all that a library does, it does on the event loop's own thread.
 * @param abi the one that a library can have
 * @param opened called when nothing but its constructors has run
 * @param prepare makes its handlers ready
 */
export async function openInline(
  source: NativeSource,
  abi: number,
  opened: (library: LoadedLibrary) => void,
  prepare: (library: LoadedLibrary) => Invoker,
): Promise<OpenImage> {
  const library = await openAlone(source.file.base, 'opening', Infinity, () => whileRunning(source.name, LIFE[0], () => openPinned(source)));
  try {
    opened(library);
    library.checkAbi(await callNumber(library, 'PluginABI', here(source, 'PluginABI')), abi);
    await callInit(library, source, here(source, 'PluginInit'));
    const title = await callStart(library, source, here(source, 'PluginFactory.start'));
    library.concurrency(await callNumber(library, 'PluginConcurrency', here(source, 'PluginConcurrency')));
    const declared = await callDeclared(library, title, here(source, 'PluginRoutes'));
    const bodies = await callBodies(library, here(source, 'PluginBody'));
    return { instance: new InlineInstance(source, library, prepare(library)), library, declared, bodies, streams: false };
  } catch (refusal) {
    await openAlone(source.file.base, 'unloading', Infinity, () => library.unload());
    throw refusal;
  }
}

/** Calls a function of a library's life on this thread. */
function here({ name }: NativeSource, symbol: (typeof LIFE)[number]): Run {
  return (f, ...args) => whileRunning(name, symbol, (): unknown => f(...args));
}

class InlineInstance implements SharedInstance {
  readonly conditions = new Conditions();
  readonly capacity = 1;
  readonly outstanding = 0;
  readonly processes = [];
  readonly gone: Promise<void>;
  #isGone!: () => void;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly source: NativeSource,
    private readonly library: LoadedLibrary,
    private readonly invoker: Invoker,
  ) {
    this.gone = new Promise((resolve) => (this.#isGone = resolve));
  }

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
      exchange.fail(error instanceof DlserveError ? error : notTaken(this.source, exchange, error));
    }
  }

  // No call outlives call().

  begunAt(): undefined {}

  expire(): void {}

  withdraw(): boolean {
    return false;
  }

  pending(): Exchange[] {
    return [];
  }

  giveUp(): void {}

  close(): Promise<void> {
    this.#closing ??= this.#close().finally(this.#isGone);
    return this.#closing;
  }

  async #close(): Promise<void> {
    await callStop(this.library, this.source, here(this.source, 'PluginStop'));
    this.invoker.end();
    if (this.library.canStop) await openAlone(this.library.name, 'unloading', Infinity, () => this.library.unload());
    else this.library.keep();
  }
}
