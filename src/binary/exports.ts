import { Handlers } from '../plugin/handlers';
import { METHODS, parseSymbol } from '../plugin/name';
import type { Binary } from './binary';

/** The ABI number of native/include/dlserve.h. */
export const HOST_ABI = 1;

/** The optional exports of native/include/dlserve.h. */
export const ABI_SYMBOLS = ['PluginABI', 'PluginFree', 'PluginConcurrency', 'PluginInit', 'PluginStop'] as const;

/**
 * Whether what a library exports by the names of the ABI are functions; calling data would crash.
 * @returns undefined if so, else the sentence why not
 */
export function abiMisfit(binary: Binary): string | undefined {
  const data = ABI_SYMBOLS.filter((symbol) => binary.exports.get(symbol) === 'data');
  if (data.length === 0) return undefined;
  return `${data.join(', ')} must be ${data.length === 1 ? 'a function' : 'functions'}, and ${data.length === 1 ? 'is' : 'are'} data in it`;
}

/** Itanium C++ names of plain functions: _Z, the length of the name, the name, the types of the parameters. */
const MANGLED = new RegExp(`^_Z\\d+((?:${METHODS.join('|')})\\w+?Handler)`);

/** The handlers among the exports of a library, and what a person may take for one. */
export function handlersOf(binary: Binary): Handlers {
  const handlers = new Handlers();
  for (const [symbol, kind] of binary.exports) {
    const name = parseSymbol(symbol);
    const plain = MANGLED.exec(symbol)?.[1];
    if (name !== undefined && kind === 'function') handlers.add(name.method, name.func, symbol);
    else if (name !== undefined) handlers.addLookalike(symbol, 'is data, not a function');
    else if (plain !== undefined) handlers.addLookalike(plain, `is there with a C++ name only (${symbol}): declare it extern "C"`);
  }
  return handlers;
}
