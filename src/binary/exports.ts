import { DlserveError } from '../ground/errors';
import { Handlers } from '../plugin/handlers';
import { parseSymbol } from '../plugin/name';
import type { Binary } from './binary';
import { lookalikeOf, type Lookalike } from './lookalike';
import { isRouteSymbol } from '../plugin/route';
import { ABI_OBJECT, ABI_SYMBOLS, bodyFunctionOf } from './names';

/** The ABI number of native/include/dlserve.h. */
export const HOST_ABI = 2;

/**
 * For a library that was written for a later ABI than it can have.
 * @param host what it can have: less than {@link HOST_ABI} where dlserve's native parts are not there
 */
export function abiUnsupported(library: string, abi: number, host = HOST_ABI): DlserveError {
  return abi > HOST_ABI
    ? new DlserveError('ABI_UNSUPPORTED', { library, abi, host: HOST_ABI, mend: 'update dlserve, or build the library against an older dlserve.h' })
    : new DlserveError('ABI_UNSUPPORTED', { library, abi, host, mend: 'its native parts are missing; install a C compiler, make and Python, then run: npm rebuild dlserve' });
}

/**
 * Whether what a library exports by the names of the ABI are functions, and the one that is an object is one; calling data would
 * crash.
 * @returns undefined if so, else the sentence why not
 */
export function abiMisfit(binary: Binary): string | undefined {
  if (binary.exports.get(ABI_OBJECT) === 'function') return `${ABI_OBJECT} must be an object of the type dlserve_plugin, and is a function in it`;
  const functions = ABI_SYMBOLS.filter((symbol) => symbol !== ABI_OBJECT);
  return dataAmong([...functions, ...bodyFunctionsOf(binary.exports.keys(), binary.exports)], binary.exports);
}

/** @returns the sentence which of these exports are data and must not be; undefined where none is */
function dataAmong(symbols: readonly string[], exports: Binary['exports']): string | undefined {
  const data = symbols.filter((symbol) => exports.get(symbol) === 'data');
  if (data.length === 0) return undefined;
  return `${data.join(', ')} must be ${data.length === 1 ? 'a function' : 'functions'}, and ${data.length === 1 ? 'is' : 'are'} data in it`;
}

/** What is exported as <handler>Body of a handler, or of a function that routes may lead to and that is named like one. */
function bodyFunctionsOf(symbols: Iterable<string>, exports: Binary['exports']): string[] {
  const functions = [...symbols].filter((symbol) => exports.get(symbol) === 'function');
  return functions.map(bodyFunctionOf).filter((symbol) => symbol !== undefined);
}

/** The handlers among the exports of a library, and what a person may take for one. */
export function handlersOf({ exports, unexported, go }: Binary): Handlers {
  const handlers = new Handlers();
  const lookalikes: (Lookalike | undefined)[] = [];
  for (const [symbol, kind] of exports) {
    const name = parseSymbol(symbol);
    if (name === undefined && kind === 'function') lookalikes.push(lookalikeOf({ name: symbol, go }));
    else if (name !== undefined && kind === 'function') handlers.add(name.method, name.func, symbol);
    else if (name !== undefined) lookalikes.push({ symbol, why: 'is data, not a function' });
  }
  for (const [symbol, hiding] of unexported) lookalikes.push(lookalikeOf({ name: symbol, hiding, go }));
  for (const lookalike of lookalikes) {
    if (lookalike !== undefined && exports.get(lookalike.symbol) !== 'function') handlers.addLookalike(lookalike.symbol, lookalike.why);
  }
  handlers.declaresRoutes = declaresRoutes(exports);
  return handlers;
}

/** Whether a library says its routes when it is open. */
export function declaresRoutes(exports: Binary['exports']): boolean {
  return exports.has('PluginRoutes') || exports.has(ABI_OBJECT);
}

/** More than a library has that hides what is its own: each is looked up when it is opened. */
const MOST_FUNCTIONS = 16_384;

/**
 * Adds the functions that routes may lead to, besides the handlers.
 * @param all every export that can be one
 * @param routed those that the configuration names; where the library says its routes itself, any may be one
 * @throws Error whose message is the sentence why the library does not fit
 */
export function addRouted(handlers: Handlers, all: Binary['exports'], routed: readonly string[]): void {
  const wanted = handlers.declaresRoutes ? [...all.keys()] : routed;
  const functions = wanted.filter((symbol) => all.get(symbol) === 'function' && isRouteSymbol(symbol) && !(ABI_SYMBOLS as readonly string[]).includes(symbol));
  if (functions.length > MOST_FUNCTIONS) {
    throw new Error(`it has routes of its own and exports more than ${MOST_FUNCTIONS} functions: hide those that are no handlers (cc -fvisibility=hidden)`);
  }
  const misfit = dataAmong(bodyFunctionsOf(functions, all), all);
  if (misfit !== undefined) throw new Error(misfit);
  for (const symbol of functions) if (handlers.bySymbol(symbol) === undefined) handlers.addFunction(symbol);
  const absent = routed.find((symbol) => handlers.bySymbol(symbol) === undefined);
  if (absent === undefined) return;
  const what = all.has(absent) ? `its ${absent} is data, not a function` : `it exports no function ${absent}`;
  throw new Error(`${what}, to which a route in the configuration leads`);
}
