import { METHODS } from '../plugin/name';
import type { SymbolKind } from './binary';

/** The optional exports of native/include/dlserve.h. */
export const ABI_SYMBOLS = ['PluginABI', 'PluginFree', 'PluginBody', 'PluginConcurrency', 'PluginInit', 'PluginStop', 'PluginRoutes', 'PluginFactory'] as const;

/** The one of them that is no function: an object of functions. */
export const ABI_OBJECT = 'PluginFactory';

const METHOD = new RegExp(METHODS.join('|'));
export const SUFFIX = 'Handler';

/** The function by which a handler says how it takes a body; undefined for one that routes lead to and that is called something else. */
export function bodyFunctionOf(symbol: string): string | undefined {
  return symbol.endsWith(SUFFIX) ? `${symbol}Body` : undefined;
}

/** Which exports of a library are read: those that are of interest by their names, or besides all that a route can lead to. */
export type Which = 'interesting' | 'all';

/** Longer than the name of any handler, whatever a compiler makes of it. */
export const MAX_NAME = 1024;

/**
 * Whether a name ends in one of interest to a plugin host: a handler's, also one that a compiler has mangled, or one of the
 * contract's. A library can have a million names, so only these are kept.
 */
export function isOfInterest(name: string): boolean {
  return plainIn(name) !== undefined || ABI_SYMBOLS.some((symbol) => name.endsWith(symbol));
}

/** What of a name may be a handler's: GETHelloHandler of _Z15GETHelloHandlerPKc and of main.GETHelloHandler. */
function plainIn(name: string): string | undefined {
  const start = name.search(METHOD);
  const end = name.lastIndexOf(SUFFIX);
  return start !== -1 && start < end ? name.slice(start, end + SUFFIX.length) : undefined;
}

/** The longest table of symbols or their names that is searched for more than exports, in bytes: it takes longer than all the rest. */
export const MAX_SEARCHED = 16 * 1024 * 1024;

/** Whether a name, or what ends in it, is that of a handler that is not exported. */
export function isMissing(name: string, exports: ReadonlyMap<string, SymbolKind>): boolean {
  const plain = plainIn(name);
  return plain !== undefined && exports.get(plain) !== 'function';
}
