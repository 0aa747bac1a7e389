import type { IncomingMessage, ServerResponse } from 'node:http';
import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';

/** Errors of a plugin under pressure: the runtime logs the change of state, not each request that meets it. */
const QUIET = new Set(['OVERLOADED', 'PLUGIN_RESTING', 'MEMORY_LIMIT', 'STOPPING']);

/**
 * Turns anything that was thrown into a status and JSON, `{"error": "...", "code": "..."}`, and logs it where it is the
 * server's or a plugin's fault.
 * @param context joins the log line: plugin, handler, request id
 */
export function writeError(thrown: unknown, req: IncomingMessage, res: ServerResponse, log: Logger, context: object = {}): void {
  const error = thrown instanceof DlserveError ? thrown : new DlserveError('INTERNAL', {}, { cause: thrown });
  const line = { ...context, code: error.code, method: req.method, url: req.url };
  if (error.status < 500 || QUIET.has(error.code)) log.debug(line, error.message);
  else log.error({ ...line, ...causeOf(error) }, error.message);
  if (res.headersSent || res.destroyed) return;
  const body = JSON.stringify({ error: error.message, code: error.code });
  res.writeHead(error.status, {
    ...error.headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  res.end(body);
}

/** Whole, with its stack, where nobody expected it; else the words say enough. */
function causeOf({ code, cause }: DlserveError): object {
  if (code === 'INTERNAL') return { err: cause };
  return cause === undefined ? {} : { cause: messageOf(cause) };
}
