import { cut } from '../ground/limited-log';

/** What dlserve itself wants to know of a request's headers. */
export interface RequestHeaders {
  /** The request has a body, if only an empty one (RFC 9112 6.3). */
  readonly hasBody: boolean;
  /** Content-Length; -1 where it is not given. */
  readonly length: number;
  /** X-Dlserve-Timeout, as it came. */
  readonly timeout: string | undefined;
  /** X-Request-Id, cut to what a line of the log takes. */
  readonly id: string | undefined;
}

const NONE: RequestHeaders = { hasBody: false, length: -1, timeout: undefined, id: undefined };

/**
 * One pass over the raw headers; the lengths of the names decide nearly always, so that nothing is lower-cased.
 * @param raw names and values in turn
 */
export function readHeaders(raw: readonly string[]): RequestHeaders {
  let found = false;
  let hasBody = false;
  let length = -1;
  let timeout: string | undefined;
  let id: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      found = hasBody = true;
      length = Number(raw[i + 1]);
    } else if (name.length === 17) {
      const lower = name.toLowerCase();
      if (lower === 'transfer-encoding') found = hasBody = true;
      else if (lower === 'x-dlserve-timeout') {
        found = true;
        timeout = raw[i + 1];
      }
    } else if (name.length === 12 && name.toLowerCase() === 'x-request-id') {
      found = true;
      id = cut(raw[i + 1]!);
    }
  }
  return found ? { hasBody, length, timeout, id } : NONE;
}
