import { statSync } from 'node:fs';
import path from 'node:path';
import { DlserveError, messageOf } from '../../ground/errors';
import { ANY_CONCURRENCY, HOST_ABI, type PluginSource } from '../../contract/runtime';
import { useKoffi, type KoffiFunction, type LibraryHandle } from './koffi';

/** RTLD_NOW, the same number on Linux and macOS: unresolved symbols fail the opening, not a call. */
const RTLD_NOW = 2;

/** What `concurrency` in the configuration may be at most, and MOST_THREADS of native/runner/library.c. */
const MOST_THREADS = 1024;

/** Libraries that are never let go of: something may still run in them. */
const kept = new Set<Library>();

/** Libraries whose PluginInit was given up, by their paths and by their files: the system knows them by either. */
const stuck = new Set<string>();

/** A library that koffi has opened and whose symbols are bound. */
export class Library {
  /** The file's name, for messages. */
  readonly name: string;

  private constructor(
    private readonly source: PluginSource,
    private readonly handle: LibraryHandle,
    /** Keeps koffi's own closing, when the handle is collected or the process ends, from unmapping code that may run. */
    private readonly pin: bigint | null,
  ) {
    this.name = path.basename(source.path);
  }

  /**
   * Opens a library, finds its handlers and checks its ABI; nothing of it stays open where that fails.
   * @throws DlserveError LOAD_FAILED or ABI_UNSUPPORTED, or INIT_FAILED where its PluginInit still runs
   */
  static open(source: PluginSource): Library {
    const { koffi, system } = useKoffi();
    const name = path.basename(source.path);
    if (stuck.has(source.path) || stuck.has(fileOf(source.path))) {
      throw new DlserveError('INIT_FAILED', { library: name, reason: 'it took too long before; restart the server to try again' });
    }
    let handle: LibraryHandle;
    try {
      handle = koffi.load(source.path);
    } catch (cause) {
      const reason = messageOf(cause).replace(/^Failed to load shared library: /, '');
      throw new DlserveError('LOAD_FAILED', { library: name, reason }, { cause });
    }
    const library = new Library(source, handle, system.dlopen(source.path, RTLD_NOW));
    try {
      library.check();
    } catch (refusal) {
      library.unload();
      throw refusal;
    }
    return library;
  }

  private check(): void {
    for (const symbol of this.source.symbols) {
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
    return declared === 0 ? ANY_CONCURRENCY : Math.min(Math.max(1, declared), MOST_THREADS);
  }

  /**
   * Lets go of the library, after its last call has returned. One that has no PluginStop is left in memory: nobody has
   * told it to end the threads that it may have.
   */
  close(): void {
    if (this.address('PluginStop') === null) this.keep();
    else this.unload();
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
   * PluginInit is given up: another run of it would only be one more that hangs.
   * @param limit milliseconds that it had
   */
  initHangs(limit: number): DlserveError {
    stuck.add(this.source.path).add(fileOf(this.source.path));
    this.keep();
    return new DlserveError('INIT_FAILED', { library: this.name, reason: `it took longer than ${limit} ms` });
  }

  /** @param words what PluginInit said, '' where it said nothing */
  initFailed(returned: number, words: string): DlserveError {
    const reason = words === '' ? `it returned ${returned} without a word` : words;
    return new DlserveError('INIT_FAILED', { library: this.name, reason });
  }
}

/** Device and inode, or nothing that is a file's. */
function fileOf(library: string): string {
  const status = statSync(library, { throwIfNoEntry: false });
  return status === undefined ? '' : `${status.dev}:${status.ino}`;
}
