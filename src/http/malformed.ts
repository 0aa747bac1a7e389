import { maxHeaderSize, STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { DlserveError, messageOf } from '../ground/errors';
import { responseOn } from './connections';
import { isPatient } from './incoming';

/**
 * What is wrong with a request that node:http takes for one, wherever it leads: another major version, or not exactly one Host
 * (RFC 9112, 2.3 and 3.2). Its connection can't be trusted any further.
 * @returns undefined where nothing is
 */
export function malformation({ httpVersionMajor, httpVersionMinor, rawHeaders }: IncomingMessage): DlserveError | undefined {
  if (httpVersionMajor !== 1) return refusal('HTTP_VERSION');
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && (name === 'Host' || name.toLowerCase() === 'host')) hosts++;
  }
  if (hosts === 1 || (hosts === 0 && httpVersionMinor === 0)) return undefined;
  return refusal('BAD_REQUEST', { reason: hosts === 0 ? 'the header Host is missing' : 'the header Host is there more than once' });
}

/** Connections whose bytes make no sense any more; node:http says so again with all that comes behind. */
const unreadable = new WeakSet<Socket>();

/**
 * Answers what node:http could not read as a request, or did not get in time, and closes its connection: when the requests
 * before it have been answered.
 */
export function answerUnreadable(error: Error, socket: Socket): void {
  if (unreadable.has(socket)) return;
  // A body that is taken in parts may take as long as it likes, if only it comes.
  if ((error as NodeJS.ErrnoException).code === 'ERR_HTTP_REQUEST_TIMEOUT' && isPatient(socket)) return;
  unreadable.add(socket);
  answerInTurn(error, socket);
}

function answerInTurn(error: Error, socket: Socket): void {
  const current = responseOn(socket);
  if (current?.req.complete === true) {
    current.once('finish', () => answerInTurn(error, socket));
  } else {
    // The rest of the current request is what can't be read. Nothing may come between the bytes of an answer that it has had.
    if (socket.writable && current?.headersSent !== true) socket.write(bytesOf(translate(error)));
    socket.destroySoon();
  }
}

function translate(error: NodeJS.ErrnoException & { reason?: string }): DlserveError {
  switch (error.code) {
    case 'HPE_INVALID_VERSION':
    case 'HPE_PAUSED_H2_UPGRADE':
      return refusal('HTTP_VERSION');
    case 'HPE_HEADER_OVERFLOW':
      return refusal('HEADERS_TOO_LARGE', { limit: maxHeaderSize });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refusal('REQUEST_TIMEOUT');
    default:
      return refusal('BAD_REQUEST', { reason: error.reason ?? messageOf(error) });
  }
}

type Code = 'BAD_REQUEST' | 'REQUEST_TIMEOUT' | 'HEADERS_TOO_LARGE' | 'HTTP_VERSION';

function refusal(code: Code, details: DlserveError['details'] = {}): DlserveError {
  return new DlserveError(code, details, { headers: { Connection: 'close' } });
}

/** A whole response, for where node:http has none. */
function bytesOf({ code, status, message, headers }: DlserveError): string {
  const body = JSON.stringify({ error: message, code });
  const lines = Object.entries({
    ...headers,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Date: new Date().toUTCString(),
  });
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines.map(([name, value]) => `${name}: ${value}`), '', body].join('\r\n');
}
