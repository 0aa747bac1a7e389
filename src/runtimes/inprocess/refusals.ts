import path from 'node:path';
import { DlserveError } from '../../ground/errors';
import type { Call, PluginSource } from '../../contract/runtime';

/** For a call whose deadline had passed before it could begin. */
export function tooLate(source: PluginSource, call: Call): DlserveError {
  return new DlserveError('TIMEOUT', {
    symbol: source.symbols[call.symbol]!,
    library: path.basename(source.path),
    timeout: source.settings.timeout,
  });
}

/** For a failure that is nobody's fault but the host's, such as memory that ran out; the log gets its words. */
export function internal(source: PluginSource, call: Call, cause: unknown): DlserveError {
  const handler = source.symbols[call.symbol]!;
  source.log.error({ plugin: source.name, handler, request: call.id, err: cause }, 'a call could not be made');
  return new DlserveError('INTERNAL', {}, { cause });
}
