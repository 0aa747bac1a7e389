import { DlserveError } from '../ground/errors';

/** The most bytes of the headers' text in a reply: several times what any client takes. */
export const MAX_REPLY_HEADERS = 64 * 1024;

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// What RFC 9110 5.5 forbids in a field value, and what latin1 can't carry
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Belong to the connection or to the host, so a handler can't set them. */
const HOSTS_OWN = new Set(['connection', 'content-length', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'date']);

function refuse(symbol: string, reason: string): DlserveError {
  return new DlserveError('BAD_HEADERS', { symbol, reason });
}

/** For headers of more bytes than a reply may have. */
export function headersTooLarge(symbol: string, length: number): DlserveError {
  return refuse(symbol, `${length} bytes of headers, the limit is ${MAX_REPLY_HEADERS}`);
}

/**
 * Reads the headers that a handler gave, in one of two forms: a JSON object, {"Name":"value","Name":["value","value"]},
 * where a value is one value whatever it holds; or "Name: value" lines. No header name begins with {, so the first byte
 * tells them apart.
 * @param text each character is a byte
 * @param symbol for the error's message
 * @returns names and values in turn
 * @throws DlserveError BAD_HEADERS
 */
export function parseHeaders(text: string, symbol: string): string[] {
  if (text.length > MAX_REPLY_HEADERS) throw headersTooLarge(symbol, text.length);
  const headers = text.startsWith('{') ? ofJson(text, symbol) : ofLines(text, symbol);
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (!NAME.test(name)) throw refuse(symbol, `${JSON.stringify(name)} is no header name`);
    if (!VALUE.test(headers[i + 1]!)) throw refuse(symbol, `the value of ${name} holds a character that no header can carry`);
    if (HOSTS_OWN.has(name.toLowerCase())) throw refuse(symbol, `${name} is set by the host`);
  }
  return headers;
}

function ofLines(text: string, symbol: string): string[] {
  const headers: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon === -1) throw refuse(symbol, `${JSON.stringify(line)} has no colon`);
    headers.push(line.slice(0, colon), trimmed(line, colon + 1));
  }
  return headers;
}

function ofJson(text: string, symbol: string): string[] {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(Buffer.from(text, 'latin1').toString()) as Record<string, unknown>;
  } catch (error) {
    throw refuse(symbol, `they begin with { but are no JSON: ${(error as Error).message}`);
  }
  const headers: string[] = [];
  for (const [name, given] of Object.entries(fields)) {
    for (const value of Array.isArray(given) ? (given as unknown[]) : [given]) {
      if (typeof value !== 'string') throw refuse(symbol, `the value of ${JSON.stringify(name)} is neither a string nor a list of strings`);
      headers.push(name, trimmed(value, 0));
    }
  }
  return headers;
}

/** The text from `start`, without the space and tabs around it (RFC 9110 5.6.3); String.trim would take more than those. */
function trimmed(text: string, start: number): string {
  const blank = (at: number): boolean => text[at] === ' ' || text[at] === '\t';
  let end = text.length;
  while (start < end && blank(start)) start++;
  while (end > start && blank(end - 1)) end--;
  return text.slice(start, end);
}
