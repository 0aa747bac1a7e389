import { DlserveError } from '../ground/errors';
import { Malformed } from './library/bytes';
import { isElf, readElf } from './library/elf';
import { formatOf } from './library/foreign';
import { isMachO, readMachO } from './library/macho';
import { archMachine } from './library/machine';
import type { Library } from './library/shape';
import { parseSymbol } from './name';

export type { Library, SymbolKind } from './library/shape';

/**
 * Reads which exports and machine a shared library has, without running any of it.
 * @param bytes the whole file; of a fat Mach-O file the slice of this host is read
 * @param file how the file is called in an error's message
 * @throws DlserveError BAD_LIBRARY for anything that is not a whole ELF or Mach-O shared library
 */
export function readLibrary(bytes: Buffer, file = 'the file'): Library {
  try {
    if (isElf(bytes)) return readElf(bytes);
    if (isMachO(bytes)) return readMachO(bytes, archMachine(process.arch));
    throw new Malformed(formatOf(bytes));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new DlserveError('BAD_LIBRARY', { file, reason: error.message }, { cause: error });
  }
}

/**
 * Whether this host can load a library.
 * @param platform as in process.platform
 * @param arch as in process.arch
 * @returns undefined if it fits, else the sentence why not, which names both machines
 */
export function machineFits(library: Library, platform: NodeJS.Platform, arch: string): string | undefined {
  const host = archMachine(arch);
  const wanted = platform === 'darwin' ? 'mach-o' : 'elf';
  if (library.format === wanted && library.machine === host) return undefined;
  const built = `${library.machine} ${library.format === 'elf' ? 'ELF (Linux)' : 'Mach-O (macOS)'}`;
  return `it was built for ${built}, this host is ${host} ${platform}: build it for this machine`;
}

/** The optional exports of native/include/dlserve.h. */
export const ABI_SYMBOLS = ['PluginABI', 'PluginFree', 'PluginConcurrency', 'PluginInit', 'PluginStop'] as const;

/**
 * Whether what a library exports by the names of the ABI are functions; calling data would crash.
 * @returns undefined if so, else the sentence why not
 */
export function abiMisfit(library: Library): string | undefined {
  const data = ABI_SYMBOLS.filter((symbol) => library.exports.get(symbol) === 'data');
  if (data.length === 0) return undefined;
  return `${data.join(', ')} must be ${data.length === 1 ? 'a function' : 'functions'}, and ${data.length === 1 ? 'is' : 'are'} data in it`;
}

/** The handlers of one library. */
export interface Handlers {
  /** By func, then by method: the symbol. */
  readonly byFunc: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Symbols that are named like handlers but are data; calling one would crash. */
  readonly data: readonly string[];
}

/** Finds the handlers among the exports of a library. */
export function handlersOf(library: Library): Handlers {
  const byFunc = new Map<string, Map<string, string>>();
  const data: string[] = [];
  for (const [symbol, kind] of library.exports) {
    const handler = parseSymbol(symbol);
    if (handler === undefined) continue;
    if (kind === 'data') {
      data.push(symbol);
      continue;
    }
    const methods = byFunc.get(handler.func);
    if (methods === undefined) byFunc.set(handler.func, new Map([[handler.method, symbol]]));
    else methods.set(handler.method, symbol);
  }
  return { byFunc, data };
}
