import { DlserveError, messageOf } from '../../ground/errors';
import { HOST_ABI } from '../../binary/exports';
import { ANY_CONCURRENCY, MOST_CONCURRENCY, type PluginSource } from '../../plugin/runtime';
import { useKoffi, type KoffiFunction, type LibraryHandle } from './koffi/koffi';

/** RTLD_NOW, the same number on Linux and macOS: unresolved symbols fail the opening, not a call. */
const RTLD_NOW = 2;

/** Libraries that are never let go of: something may still run in them. */
const kept = new Set<LoadedLibrary>();

/** A library that koffi has opened and whose symbols are bound. */
export class LoadedLibrary {
  private constructor(
    private readonly source: PluginSource,
    private readonly handle: LibraryHandle,
    /** Keeps koffi's own closing, when the handle is collected or the process ends, from unmapping code that may run. */
    private readonly pin: bigint | null,
  ) {}

  /**
   * Opens a library, finds its handlers and checks its ABI; nothing of it stays open where that fails.
   * @throws DlserveError LOAD_FAILED or ABI_UNSUPPORTED
   */
  static open(source: PluginSource): LoadedLibrary {
    const { koffi, system } = useKoffi();
    const { path, base } = source.file;
    let handle: LibraryHandle;
    try {
      handle = koffi.load(path);
    } catch (cause) {
      const reason = messageOf(cause).replace(/^Failed to load shared library: /, '');
      throw new DlserveError('LOAD_FAILED', { library: base, reason }, { cause });
    }
    const library = new LoadedLibrary(source, handle, system.dlopen(path, RTLD_NOW));
    try {
      library.check();
    } catch (refusal) {
      library.unload();
      throw refusal;
    }
    return library;
  }

  /** The file's name, for messages. */
  get name(): string {
    return this.source.file.base;
  }

  private check(): void {
    for (const symbol of this.source.handlers.symbols) {
      if (this.address(symbol) === null) {
        throw new DlserveError('LOAD_FAILED', { library: this.name, reason: `it exports no ${symbol}` });
      }
    }
    const abi = this.bind('PluginABI', 'uint32_t', [])?.() as number | undefined;
    if (abi !== undefined && abi > HOST_ABI) {
      throw new DlserveError('ABI_UNSUPPORTED', { library: this.name, abi, host: HOST_ABI });
    }
  }

  /** The address of an export, or null. */
  address(symbol: string): bigint | null {
    try {
      return this.handle.symbol(symbol) as bigint;
    } catch {
      return null;
    }
  }

  /** An export as a function, or null. */
  bind(symbol: string, result: string, parameters: string[]): KoffiFunction | null {
    return this.address(symbol) === null ? null : this.handle.func(symbol, result, parameters);
  }

  /** A handler as a function of the addresses of its three parameters, which returns an address or null. */
  handler(symbol: string): KoffiFunction {
    return this.handle.func(symbol, 'void *', ['void *', 'void *', 'void *']);
  }

  /** Threads that may be inside at once, by the configuration or else by the library itself. */
  concurrency(): number {
    const configured = this.source.settings.concurrency;
    const declared = configured ?? (this.bind('PluginConcurrency', 'int', [])?.() as number | undefined) ?? 1;
    return declared === 0 ? ANY_CONCURRENCY : Math.min(Math.max(1, declared), MOST_CONCURRENCY);
  }

  /** Whether its configuration matters to it. */
  get hasInit(): boolean {
    return this.address('PluginInit') !== null;
  }

  /** Whether it can be told to end what it has started. Without that it is never unmapped: it may have threads. */
  get canStop(): boolean {
    return this.address('PluginStop') !== null;
  }

  /** Lets go of the library, after its last call has returned. */
  close(): void {
    if (this.canStop) this.unload();
    else this.keep();
  }

  /** Leaves the library in memory for good. */
  keep(): void {
    kept.add(this);
  }

  /** Unmaps the library, unless it is kept; nothing of it may run, or be used again. */
  unload(): void {
    if (kept.has(this)) return;
    if (this.pin !== null) useKoffi().system.dlclose(this.pin);
    this.handle.unload();
  }

  /**
   * PluginInit is given up: it may still run.
   * @param limit milliseconds that it had
   */
  initHangs(limit: number): DlserveError {
    this.keep();
    return new DlserveError('INIT_FAILED', { library: this.name, reason: `it took longer than ${limit} ms` }, { cause: new StillRuns() });
  }

  /** @param words what PluginInit said, '' where it said nothing */
  initFailed(returned: number, words: string): DlserveError {
    const reason = words === '' ? `it returned ${returned} without a word` : words;
    return new DlserveError('INIT_FAILED', { library: this.name, reason });
  }
}

/** The cause of an error that leaves code of a library running. */
export class StillRuns extends Error {}
