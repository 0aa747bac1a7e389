import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { scratch } from '../../support/server';
import { until } from '../../support/until';
import { asker, finish, serve, type Served } from './support';

let served: Served;
let gate: string;
const call = (params: object, by = asker()): Promise<unknown> => served.ask('call', params, by);

beforeAll(() => {
  gate = path.join(scratch(), 'gate');
  const options = { plugin: { gate: { config: { gate }, demote: false } } };
  served = serve(['echo.c', 'bytes.c', 'cookies.c', 'status.c', 'gate.c', 'null_reply.c', 'writes.c'], options);
});
afterAll(() => {
  writeFileSync(gate, '');
  return served.host.close(5000);
});

test('calls a handler as a request would', async () => {
  const { status, headers, body } = (await call({ plugin: 'echo', func: 'Echo', query: { a: ['1', '2'], b: 'x y' }, headers: { 'X-One': 'a' } })) as { status: number; headers: object; body: string };
  expect([status, headers]).toEqual([200, { 'content-type': 'application/json; charset=utf-8', 'content-length': String(body.length) }]);
  expect(JSON.parse(body)).toEqual({
    http_vars: { file: 'echo', func: 'Echo' }, url_query: { a: ['1', '2'], b: ['x y'] }, method: 'GET', path: '/_PLUGIN/echo/Echo',
    headers: { 'x-one': 'a', 'x-request-id': 'request-1' }, body: null,
  });
  expect(await call({ plugin: 'echo', func: 'Echo', method: 'PUT', body: 'grüß', query: '?a=1' })).toMatchObject({ error: 'METHOD_NOT_ALLOWED' });
  const posted = (await call({ plugin: 'echo', func: 'Echo', body: 'grüß', query: '?a=1', headers: { 'X-Request-Id': 'mine' } })) as { body: string };
  expect(JSON.parse(posted.body)).toMatchObject({ method: 'POST', body: 'grüß', url_query: { a: ['1'] }, headers: { 'x-request-id': 'mine' } });
  expect(await call({ plugin: 'cookies', func: 'Cookies' })).toMatchObject({ headers: { 'set-cookie': ['a=1', 'b=2'] } });
  expect(await call({ plugin: 'status', func: 'Teapot' })).toMatchObject({ status: 418 });
});

test('carries bytes both ways', async () => {
  const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));
  expect(await call({ plugin: 'bytes', func: 'Bytes', body_base64: bytes.toString('base64') })).toMatchObject({ body_base64: bytes.toString('base64') });
  expect(await call({ plugin: 'bytes', func: 'Bytes', body_base64: Buffer.from('text').toString('base64') })).toMatchObject({ body: 'text' });
});

test('collects a reply that comes in parts', async () => {
  const { body } = (await call({ plugin: 'writes', func: 'Count', query: 'n=3' })) as { body: string };
  expect(body).toBe('part 0\npart 1\npart 2\nlast');
  expect(await call({ plugin: 'writes', func: 'Flood', query: 'size=1000000&total=20000000' })).toEqual({
    error: 'TOO_LARGE', message: 'the reply of writes takes more than 16777216 bytes',
  });
  expect(await call({ plugin: 'writes', func: 'Break' })).toMatchObject({ error: 'STREAM_BROKEN' });
});

test('fails as a request would, with the same codes', async () => {
  expect(await call({ plugin: 'nope', func: 'Echo' })).toMatchObject({ error: 'LIBRARY_NOT_FOUND' });
  expect(await call({ plugin: 'echo', func: 'Ecko' })).toMatchObject({ error: 'HANDLER_NOT_FOUND', message: expect.stringContaining('did you mean Echo?') as unknown });
  expect(await call({ plugin: '../echo', func: 'Echo' })).toMatchObject({ error: 'BAD_NAME' });
  expect(await call({ plugin: 'null_reply', func: 'NullReply' })).toMatchObject({ error: 'NO_REPLY' });
});

test.each([
  [{ func: 'Echo' }, 'call: plugin is missing'],
  [{ plugin: 'echo', func: 'Echo', body: 'a', body_base64: 'YQ==' }, 'call: give body or body_base64, not both'],
  [{ plugin: 'echo', func: 'Echo', body_base64: '?' }, 'call: body_base64 must be base64'],
  [{ plugin: 'echo', func: 'Echo', headers: { 'a b': 'c' } }, 'call: "a b" of headers is no name of a header'],
  [{ plugin: 'echo', func: 'Echo', headers: { a: 7 } }, 'call: headers must be an object of texts and lists of texts'],
  [{ plugin: 'echo', func: 'Echo', query: 7 }, 'call: query must be an object of texts and lists of texts'],
  [{ plugin: 'echo', func: 'Echo', timeout: -1 }, 'call: timeout must be a number of milliseconds above 0, not -1'],
  [{ plugin: 'echo', func: 'Echo', retries: 1 }, /unknown "retries"/],
])('%j is refused', async (params, message) => {
  expect(await call(params)).toEqual({ error: 'BAD_PARAMS', message: expect.stringMatching(message) as unknown });
});

test('ends with the time of the call that asks, or its own', async () => {
  expect(await call({ plugin: 'gate', func: 'Wait', timeout: 30 })).toEqual({ error: 'TIMEOUT', message: expect.stringMatching(/^GETWaitHandler in gate took longer than (29|30) ms$/) as unknown });
  const begun = performance.now();
  expect(await call({ plugin: 'gate', func: 'Wait' }, asker('asker', { timeout: 50 }))).toMatchObject({ error: 'TIMEOUT' });
  expect(performance.now() - begun).toBeLessThan(20_000);
});

test('is dropped when the call that asks has ended before it begins', async () => {
  const exchange = asker();
  // The one before holds the only place.
  const answer = call({ plugin: 'gate', func: 'Wait' }, exchange);
  await until(() => (served.host.slots.get('gate')?.current?.instance.outstanding ?? 0) >= 2);
  const { outstanding } = served.host.slots.get('gate')!.current!.instance;
  finish(exchange);
  expect(await answer).toMatchObject({ error: 'GONE' });
  expect(served.host.slots.get('gate')!.current!.instance.outstanding).toBe(outstanding - 1);
});

test('a plugin does not call itself', async () => {
  expect(await call({ plugin: 'echo', func: 'Echo' }, asker('echo'))).toEqual({
    error: 'CALL_CIRCLE', message: 'echo calls echo: no call may lead back to a plugin that waits for it',
  });
});
