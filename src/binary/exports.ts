import { Handlers } from '../plugin/handlers';
import { parseSymbol } from '../plugin/name';
import type { Binary } from './binary';
import { lookalikeOf, type Lookalike } from './lookalike';
import { ABI_SYMBOLS } from './names';

/** The ABI number of native/include/dlserve.h. */
export const HOST_ABI = 1;

/**
 * Whether what a library exports by the names of the ABI are functions; calling data would crash.
 * @returns undefined if so, else the sentence why not
 */
export function abiMisfit(binary: Binary): string | undefined {
  const data = ABI_SYMBOLS.filter((symbol) => binary.exports.get(symbol) === 'data');
  if (data.length === 0) return undefined;
  return `${data.join(', ')} must be ${data.length === 1 ? 'a function' : 'functions'}, and ${data.length === 1 ? 'is' : 'are'} data in it`;
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
  return handlers;
}
