import path from 'node:path';
import { DlserveError } from '../../ground/errors';
import { MAX_REPLY, type Call, type PluginSource } from '../../contract/runtime';
import { Outcome, type Body } from './addon';

/** For a call whose deadline had passed before it could begin. */
export function tooLate(source: PluginSource, call: Call): DlserveError {
  return new DlserveError('TIMEOUT', {
    symbol: source.symbols[call.symbol]!,
    library: path.basename(source.path),
    timeout: call.timeout,
  });
}

/** For a reply over the limit. */
export function tooLarge(symbol: string, length: number): DlserveError {
  return new DlserveError('REPLY_TOO_LARGE', { symbol, length, limit: MAX_REPLY });
}

/** For a failure that is nobody's fault but the host's, such as memory that ran out; the log gets its words. */
export function internal(source: PluginSource, call: Call, cause: unknown): DlserveError {
  const handler = source.symbols[call.symbol]!;
  source.log.error({ plugin: source.name, handler, request: call.id, err: cause }, 'a call could not be made');
  return new DlserveError('INTERNAL', {}, { cause });
}

/** For an outcome of the addon that is no reply. */
export function noReply(source: PluginSource, call: Call, outcome: number, body: Body): DlserveError {
  if (outcome === Outcome.TOO_LATE) return tooLate(source, call);
  if (outcome === Outcome.TOO_LARGE) return tooLarge(source.symbols[call.symbol]!, body as number);
  return internal(source, call, new Error('out of memory'));
}
