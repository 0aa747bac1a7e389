import type { IncomingMessage, ServerResponse } from 'node:http';
import { DlserveError, messageOf } from '../ground/errors';
import { cut, LimitedLog } from '../ground/limited-log';
import type { Logger } from '../ground/log';
import { CompilerWords } from '../host/builds';
import { writeBuildError } from './build-error-page';

/**
 * Errors of a plugin under pressure: the runtime logs the change of state, not each request that meets it. And of a client,
 * whatever their status says.
 */
const QUIET = new Set(['OVERLOADED', 'PLUGIN_RESTING', 'MEMORY_LIMIT', 'SERVER_FULL', 'STOPPING', 'HTTP_VERSION']);

/** Each log's lines by the code of the error: what clients ask for must not fill it. */
const limited = new WeakMap<Logger, LimitedLog>();

/**
 * Turns anything that was thrown into a status and JSON, `{"error": "...", "code": "..."}`, and logs it where it is the
 * server's or a plugin's fault.
 * @param context joins the log line: plugin, handler, request id
 */
export function writeError(thrown: unknown, req: IncomingMessage, res: ServerResponse, log: Logger, context: object = {}): void {
  const error = thrown instanceof DlserveError ? thrown : new DlserveError('INTERNAL', {}, { cause: thrown });
  logError(error, req, log, context);
  if (res.headersSent || res.destroyed) return;
  if (error instanceof CompilerWords) {
    writeBuildError(error, req, res);
    return;
  }
  const body = JSON.stringify({ error: error.message, code: error.code });
  res.writeHead(error.status, {
    ...error.headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  res.end(body);
}

function logError(error: DlserveError, { method, url = '' }: IncomingMessage, log: Logger, context: object): void {
  let lines = limited.get(log);
  if (lines === undefined) limited.set(log, (lines = new LimitedLog(log, (code) => ({ code }))));
  const { code, message, status } = error;
  const fields = (): object => ({ ...context, code, method, url: cut(url) });
  // What is wrong with a request may be quoted in the message.
  if (status < 500) lines.write('debug', code, fields, cut(message));
  else if (QUIET.has(code)) lines.write('debug', code, fields, message);
  else lines.write('error', code, () => ({ ...fields(), ...causeOf(error) }), message);
}

/** Whole, with its stack, where nobody expected it; else the words say enough. */
function causeOf({ code, cause }: DlserveError): object {
  if (code === 'INTERNAL') return { err: cause };
  return cause === undefined ? {} : { cause: messageOf(cause) };
}
