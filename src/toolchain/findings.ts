import { handlersOf } from '../binary/exports';
import { readLibrary } from '../binary/read';
import { messageOf } from '../ground/errors';

/**
 * What the author of a library should know about its handlers, in the words of `dlserve inspect`.
 * @param saysNone whether it was said already that there is no handler
 */
export async function findingsOf(library: string, saysNone: boolean): Promise<string[]> {
  try {
    const { symbols, lookalikes, declaresRoutes } = handlersOf(await readLibrary(library, 'what was built'));
    const almost = Array.from(lookalikes, ([symbol, why]) => `${symbol} ${why}`);
    if (symbols.length > 0 || declaresRoutes || saysNone) return almost;
    return [['it exports no handler: a handler is a function named like GETHelloHandler', ...almost].join('; ')];
  } catch (error) {
    return [messageOf(error)];
  }
}
