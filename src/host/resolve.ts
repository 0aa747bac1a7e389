import { DlserveError } from '../ground/errors';
import { nearest } from '../ground/nearest';
import type { Handler, Handlers } from '../plugin/handlers';
import { pathOf, symbolOf } from '../plugin/name';

/**
 * The handler of a plugin that answers a method on a func.
 * @param plugin its name, for messages
 * @returns the error where there is none: HANDLER_NOT_FOUND with a guess at the mistake, or METHOD_NOT_ALLOWED with the header Allow
 */
export function resolve(plugin: string, handlers: Handlers, func: string, method: string): Handler | DlserveError {
  const methods = handlers.get(func);
  if (methods === undefined) {
    const symbol = symbolOf(method, func);
    return new DlserveError('HANDLER_NOT_FOUND', { symbol, plugin, hint: hintFor(symbol, func, handlers) });
  }
  const { allow } = methods;
  const details = { path: pathOf(plugin, func), method, allow };
  return methods.get(method) ?? new DlserveError('METHOD_NOT_ALLOWED', details, { headers: { Allow: allow } });
}

/** The handler of a plugin to which a route of its own leads. */
export function resolveSymbol(plugin: string, handlers: Handlers, symbol: string): Handler | DlserveError {
  return handlers.bySymbol(symbol) ?? new DlserveError('HANDLER_NOT_FOUND', { symbol, plugin, hint: '' });
}

function hintFor(symbol: string, func: string, handlers: Handlers): string {
  const lookalike = handlers.lookalikes.get(symbol);
  if (lookalike !== undefined) return `: ${symbol} ${lookalike}`;
  const meant = nearest(func, handlers.funcs);
  return meant === undefined ? '' : `: did you mean ${meant}?`;
}
