import { DlserveError } from '../../ground/errors';
import type { Exchange } from '../../plugin/exchange';
import { MAX_REPLY } from '../../plugin/reply';
import { headersTooLarge } from '../../plugin/reply-headers';
import { Outcome, type Body } from './addon';
import type { NativeSource } from './keys';

/** For a reply over the limit. */
export function tooLarge(symbol: string, length: number): DlserveError {
  return new DlserveError('REPLY_TOO_LARGE', { symbol, length, limit: MAX_REPLY });
}

/** For a failure that is nobody's fault but the host's, such as memory that ran out; the log gets its words. */
export function internal(source: NativeSource, exchange: Exchange, cause: unknown): DlserveError {
  source.log.error({ plugin: source.name, handler: exchange.handler.symbol, request: exchange.id, err: cause }, 'a call could not be made');
  return new DlserveError('INTERNAL', {}, { cause });
}

/** For a call that the addon did not take: its errors have a code where memory was out. */
export function notTaken(source: NativeSource, exchange: Exchange, cause: unknown): DlserveError {
  if ((cause as NodeJS.ErrnoException).code !== 'OUT_OF_MEMORY') return internal(source, exchange, cause);
  return new DlserveError('OUT_OF_MEMORY', { what: 'the request' }, { cause });
}

/** Settles an exchange whose outcome in the addon is no reply. */
export function refuse(source: NativeSource, exchange: Exchange, outcome: number, body: Body): void {
  if (outcome === Outcome.TOO_LATE) exchange.skip();
  else if (outcome === Outcome.TOO_LARGE) exchange.fail(tooLarge(exchange.handler.symbol, body as number));
  else if (outcome === Outcome.HEADERS_TOO_LARGE) exchange.fail(headersTooLarge(exchange.handler.symbol, body as number));
  else if (outcome === Outcome.BROKEN) exchange.fail(new DlserveError('STREAM_BROKEN', { symbol: exchange.handler.symbol }));
  else exchange.fail(internal(source, exchange, new Error('out of memory')));
}
