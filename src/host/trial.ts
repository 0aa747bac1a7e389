import { DlserveError } from '../ground/errors';
import { TimeLimits } from '../plugin/deadline';
import { Exchange } from '../plugin/exchange';
import type { Recipient } from '../plugin/recipient';
import { pathOf, symbolOf } from '../plugin/name';
import type { Generation } from './generation';

/**
 * Asks a generation that nobody else knows yet whether it is well: its GET handler of that func must answer 2xx.
 * @param timeout milliseconds
 * @throws DlserveError TRIAL_FAILED
 */
export async function tryOut(plugin: string, generation: Generation, func: string, timeout: number): Promise<void> {
  const symbol = symbolOf('GET', func);
  const fail = (reason: string, cause?: unknown): DlserveError => new DlserveError('TRIAL_FAILED', { plugin, symbol, reason }, { cause });
  const handler = generation.handlers.get(func)?.get('GET');
  if (handler === undefined) throw fail('is not there; name another one by the key "trial"');
  const request = { file: plugin, func, method: 'GET', path: pathOf(plugin, func), query: '', rawHeaders: [] };
  const status = await new Promise<number>((resolve, reject) => {
    const limits = new TimeLimits({ timeout, queueTimeout: timeout }, undefined);
    const exchange = new Exchange(request, handler, null, limits, `trial-${plugin}-${generation.number}`, waiter(resolve, reject, () => exchange.abandon()));
    generation.call(exchange);
  }).catch((error: unknown) => Promise.reject(fail(`failed: ${(error as Error).message}`, error)));
  if (status < 200 || status > 299) throw fail(`answered ${status}`);
}

/** @param leave ends the waiting for a reply that comes in parts: how it begins is enough to know */
function waiter(resolve: (status: number) => void, reject: (error: Error) => void, leave: () => void): Recipient {
  return {
    reply: ({ status, release }) => {
      release?.();
      resolve(status);
    },
    fail: reject,
    begin: ({ status }) => {
      resolve(status);
      queueMicrotask(leave);
    },
    write: () => true,
    end: () => undefined,
    dropped: () => reject(new DlserveError('STOPPING')),
  };
}
