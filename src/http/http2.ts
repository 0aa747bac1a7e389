import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** A request of node:http, of HTTPS, or of the compatibility API of HTTP/2. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;
/** Its response. */
export type AnyResponse = ServerResponse | Http2ServerResponse;

export function isHttp2(req: AnyRequest): req is Http2ServerRequest {
  return req.httpVersionMajor === 2;
}

/** Whether a request of HTTP/2 has a body: there a length is not needed, and an end with the headers says that there is none. */
export function hasHttp2Body({ stream }: Http2ServerRequest): boolean {
  return !stream.endAfterHeaders;
}

/** Headers as HTTP/1.1 has them: without pseudo-headers (RFC 9113 8.3), and with Host where only :authority was given. */
export function plainHeaders(rawHeaders: readonly string[]): readonly string[] {
  const plain: string[] = [];
  let authority: string | undefined;
  let hasHost = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name === ':authority') authority = rawHeaders[i + 1];
    if (name.startsWith(':')) continue;
    hasHost ||= name === 'host';
    plain.push(name, rawHeaders[i + 1]!);
  }
  return hasHost || authority === undefined ? plain : ['host', authority, ...plain];
}
