import { abiUnsupported } from '../../binary/exports';
import { ABI_SYMBOLS, bodyFunctionOf } from '../../binary/names';
import { DlserveError, messageOf } from '../../ground/errors';
import { ANY_CONCURRENCY, MOST_CONCURRENCY, type PluginSource } from '../../plugin/runtime';
import { readFactory, type Factory } from './factory';
import { useKoffi, type KoffiFunction, type LibraryHandle } from './koffi/koffi';
import { StillRuns } from './loader';

/** Libraries that are never let go of: something may still run in them. */
const kept = new Set<LoadedLibrary>();

/** The exports of the contract. */
export type AbiSymbol = (typeof ABI_SYMBOLS)[number];

/** A library that koffi has opened and whose symbols are bound. */
export class LoadedLibrary {
  /** Addresses of its handlers, by index. */
  readonly handlers: readonly bigint[];
  /** Its PluginFactory; undefined where it has none. */
  readonly factory: Factory | undefined;
  readonly #addresses: ReadonlyMap<AbiSymbol, bigint>;
  #pin: bigint | null = null;
  #declared = 1;

  private constructor(
    private readonly source: PluginSource,
    private readonly handle: LibraryHandle,
  ) {
    const { base } = source.file;
    this.handlers = source.handlers.symbols.map((symbol) => {
      const address = find(handle, symbol);
      if (address === null) throw new DlserveError('LOAD_FAILED', { library: base, reason: `it exports no ${symbol}` });
      return address;
    });
    const addresses = ABI_SYMBOLS.map((symbol) => [symbol, find(handle, symbol)] as const);
    this.#addresses = new Map(addresses.filter((entry): entry is [AbiSymbol, bigint] => entry[1] !== null));
    const factory = this.address('PluginFactory');
    if (factory !== null) this.factory = readFactory(factory, base);
  }

  /**
   * Opens a library and finds its handlers; it does not stay open where that fails. Whoever calls sees to it that the system's loader
   * is free, see {@link openAlone}.
   * @throws DlserveError LOAD_FAILED
   */
  static open(source: PluginSource): LoadedLibrary {
    const handle = load(source);
    try {
      return new LoadedLibrary(source, handle);
    } catch (refusal) {
      handle.unload();
      throw refusal;
    }
  }

  /** The file's name, for messages. */
  get name(): string {
    return this.source.file.base;
  }

  /** The address of an export of the contract, or null. */
  address(symbol: AbiSymbol): bigint | null {
    return this.#addresses.get(symbol) ?? null;
  }

  /** PluginBody and the <handler>Body functions that it has: their addresses, by their names. */
  get bodyFunctions(): ReadonlyMap<string, bigint> {
    const names = ['PluginBody', ...this.source.handlers.symbols.map(bodyFunctionOf)];
    const found = names.map((name) => [name, name === undefined ? null : find(this.handle, name)] as const);
    return new Map(found.filter((entry): entry is [string, bigint] => entry[1] !== null));
  }

  /** An export of the contract as a function, or null. */
  bind(symbol: AbiSymbol, result: string, parameters: string[]): KoffiFunction | null {
    return this.address(symbol) === null ? null : this.handle.func(symbol, result, parameters);
  }

  /** A handler as a function of the addresses of its three parameters, which returns an address or null. */
  handler(symbol: string): KoffiFunction {
    return this.handle.func(symbol, 'void *', ['void *', 'void *', 'void *']);
  }

  /**
   * Checks what PluginABI says.
   * @param host the ABI that it can have
   * @throws DlserveError ABI_UNSUPPORTED
   */
  checkAbi(abi: number, host: number): void {
    // It is unsigned, and comes as a signed number.
    if (abi >>> 0 > host) throw abiUnsupported(this.name, abi >>> 0, host);
  }

  /**
   * Threads that may be inside at once.
   * @param declared what PluginConcurrency says; 1 where there is none
   */
  concurrency(declared: number): number {
    this.#declared = declared;
    const wanted = this.source.settings.concurrency ?? declared;
    return wanted === 0 ? ANY_CONCURRENCY : Math.min(Math.max(1, wanted), MOST_CONCURRENCY);
  }

  /** Whether its configuration matters to it. */
  get hasInit(): boolean {
    return this.#addresses.has('PluginInit') || (this.factory?.start ?? 0n) !== 0n;
  }

  /** Whether it can be told to end what it has started. Without that it is never unmapped: it may have threads. */
  get canStop(): boolean {
    return this.#addresses.has('PluginStop') || (this.factory?.stop ?? 0n) !== 0n;
  }

  /** Whether it says something of itself when it is open. */
  get declares(): boolean {
    return this.factory !== undefined || this.#addresses.has('PluginRoutes');
  }

  /** Whether it does not matter to it who else calls it: it has no life of its own, and lets in any number of calls. */
  get isReentrant(): boolean {
    return !this.hasInit && !this.canStop && this.#declared === 0;
  }

  /** Leaves the library in memory for good. */
  keep(): void {
    kept.add(this);
  }

  /**
   * Holds it by a handle of dlopen, too: koffi's own closing, when its handle is collected or the process ends, must not unmap code
   * that may run.
   */
  pin(handle: bigint | null): void {
    this.#pin = handle;
  }

  /** Lets go of it, unless it is kept; nothing of it may run, or be used again. The system's loader must be free for that, too. */
  unload(): void {
    if (kept.has(this)) return;
    this.handle.unload();
    if (this.#pin !== null) useKoffi().system.dlclose(this.#pin);
  }

  /** For a library whose initialisation takes longer than it may, and may still be at it. */
  initHangs(limit: number): DlserveError {
    this.keep();
    return new DlserveError('INIT_FAILED', { library: this.name, reason: `it took longer than ${limit} ms` }, { cause: new StillRuns() });
  }

  /** @param words what PluginFactory.start said, '' where it said nothing */
  startFailed(returned: number, words: string): DlserveError {
    return this.initFailed(returned, `PluginFactory.start: ${words === '' ? `it returned ${returned} without a word` : words}`);
  }

  /** @param words what PluginInit said, '' where it said nothing */
  initFailed(returned: number, words: string): DlserveError {
    const reason = words === '' ? `it returned ${returned} without a word` : words;
    return new DlserveError('INIT_FAILED', { library: this.name, reason });
  }
}

function load({ file }: PluginSource): LibraryHandle {
  try {
    return useKoffi().koffi.load(file.path);
  } catch (cause) {
    throw loadFailed(file.base, messageOf(cause), cause);
  }
}

/** The error of a library that the system's loader does not open. */
export function loadFailed(library: string, words: string, cause?: unknown): DlserveError {
  return new DlserveError('LOAD_FAILED', { library, reason: words.replace(/^Failed to load shared library: /, '') }, { cause });
}

function find(handle: LibraryHandle, symbol: string): bigint | null {
  try {
    return handle.symbol(symbol) as bigint;
  } catch {
    return null;
  }
}
