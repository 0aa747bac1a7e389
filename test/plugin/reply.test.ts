import fc from 'fast-check';
import { makeReply, type RawReply, type Reply } from '../../src/plugin/reply';
import type { DlserveError } from '../../src/ground/errors';

const raw: RawReply = { status: -1, body: Buffer.from('{}'), headers: null };

function reply(change: Partial<RawReply>): Reply {
  return makeReply({ ...raw, ...change }, 'GETHelloHandler');
}

function refused(change: Partial<RawReply>): string {
  try {
    reply(change);
  } catch (error) {
    expect((error as DlserveError).message).toContain('GETHelloHandler');
    return (error as DlserveError).code;
  }
  return 'none';
}

test('is 200 and JSON unless the handler says otherwise', () => {
  expect(reply({})).toEqual({
    status: 200,
    headers: ['Content-Type', 'application/json; charset=utf-8', 'Content-Length', '2'],
    body: raw.body,
  });
});

test("keeps the handler's own content type, however it is written", () => {
  expect(reply({ headers: 'content-TYPE: image/png\n' }).headers).toEqual([
    'content-TYPE',
    'image/png',
    'Content-Length',
    '2',
  ]);
});

test('an empty string is an empty reply, and none at all is an error', () => {
  expect(reply({ body: '' }).headers).toContain('0');
  expect(refused({ body: null })).toBe('NO_REPLY');
});

test.each([200, 202, 301, 404, 599])('status %d is legal', (status) => {
  expect(reply({ status }).status).toBe(status);
});

test.each([-2, 0, 1, 100, 199, 600, 2 ** 31 - 1, -(2 ** 31)])('status %d is not', (status) => {
  expect(refused({ status })).toBe('BAD_STATUS');
});

test.each([204, 304])('status %d has neither body nor length', (status) => {
  expect(reply({ status, headers: 'ETag: "1"' })).toEqual({ status, headers: ['ETag', '"1"'], body: '' });
});

test('status 205 has an empty body, and says so', () => {
  const headers = ['Content-Type', 'application/json; charset=utf-8', 'Content-Length', '0'];
  expect(reply({ status: 205 })).toEqual({ status: 205, headers, body: '' });
});

test('header lines end with LF or CRLF; empty ones and space around values are dropped; repeated names are kept', () => {
  const { headers } = reply({
    headers: 'Set-Cookie: a=1\r\nset-cookie:b=2\n\n\r\nX-Empty:\nX-Space: \t v \t\nX-Colon: a:b',
  });
  expect(headers.slice(0, 10)).toEqual([
    'Set-Cookie',
    'a=1',
    'set-cookie',
    'b=2',
    'X-Empty',
    '',
    'X-Space',
    'v',
    'X-Colon',
    'a:b',
  ]);
});

test.each([
  'no colon',
  ': no name',
  'bad name: v',
  'name : v',
  'näme: v',
  ' Folded: v',
  'X: a\rb',
  'X: a\0b',
  'X: \x7f',
  'X: 日本',
  'X: a\x0bb',
  'Content-Length: 5',
  'transfer-encoding: chunked',
  'CONNECTION: close',
  'Keep-Alive: 1',
  'Upgrade: x',
  'Trailer: x',
  'TE: x',
  'Date: x',
])('the header line %j is refused', (headers) => {
  expect(refused({ headers })).toBe('BAD_HEADERS');
});

test('headers may be a JSON object, where a value is one value, or a list where the name is repeated', () => {
  const given = { 'Set-Cookie': ['a=1', 'b=2'], 'X-Space': ' \t v ', 'X-Empty': '', 'X-Latin': 'é', 'X-None': [] };
  const headers = Buffer.from(JSON.stringify(given)).toString('latin1');
  expect(reply({ headers }).headers.slice(0, 10)).toEqual([
    'Set-Cookie',
    'a=1',
    'Set-Cookie',
    'b=2',
    'X-Space',
    'v',
    'X-Empty',
    '',
    'X-Latin',
    'é',
  ]);
  expect(reply({ headers: '{}' }).headers[0]).toBe('Content-Type');
});

test.each([
  '{',
  '{"X":"a"',
  '{"X":1}',
  '{"X":null}',
  '{"X":{"a":"b"}}',
  '{"X":["a",["b"]]}',
  '{"":"v"}',
  '{"bad name":"v"}',
  '{"X":"a\\r\\nSet-Cookie: b"}',
  '{"X":"a\\u0000"}',
  '{"X":"\\u65e5"}',
  '{"Content-Length":"5"}',
  '{"__proto__":1}',
])('the headers %s are refused', (headers) => {
  expect(refused({ headers })).toBe('BAD_HEADERS');
});

test('what is not refused can be put on the wire as it is', () => {
  const piece = fc.oneof(
    fc.constantFrom('{', '"', '{"X":"', '"}', '\n', '\r', '\r\n', ':', ' ', '\0', 'X-A', 'Content-Length', '\x85', '\xa0', 'é', '\u2028'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      let headers: string[];
      try {
        ({ headers } = reply({ headers: pieces.join('') }));
      } catch (error) {
        expect((error as DlserveError).code).toBe('BAD_HEADERS');
        return;
      }
      expect(headers.length % 2).toBe(0);
      for (let i = 0; i < headers.length; i += 2) {
        expect(headers[i]).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
        expect(headers[i + 1]).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
      }
    }),
    { numRuns: 2000 },
  );
});

test('every value that RFC 9110 allows arrives unchanged', () => {
  const value = fc.stringMatching(/^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,10}[\x21-\x7e\x80-\xff])?$/);
  fc.assert(
    fc.property(value, (text) => {
      expect(reply({ headers: `X-Value: ${text}` }).headers.slice(0, 2)).toEqual(['X-Value', text]);
    }),
    { numRuns: 2000 },
  );
});
