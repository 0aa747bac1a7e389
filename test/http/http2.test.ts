import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type ClientHttp2Session, type Http2Server, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { PluginHost } from '../../src';
import { embed } from '../support/embed';
import { scratch } from '../support/server';
import { until } from '../support/until';

let host: PluginHost;
let server: Http2Server;
let client: ClientHttp2Session;
const gate = path.join(scratch(), 'gate');

beforeAll(async () => {
  ({ host } = await embed(['echo.c', 'bytes.c', 'cookies.c', 'status.c', 'gate.c', 'big_reply.c'], {
    http: { bodylimit: '64KB' },
    plugin: { gate: { config: { gate } } },
  }));
  server = createServer((req, res) => {
    if (!host.handle(req, res)) res.writeHead(404).end('not mine');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterAll(async () => {
  client.destroy();
  server.close();
  writeFileSync(gate, '');
  await host.close();
});

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Parts of the body are sent one after the other, without a length. */
function ask(target: string, headers: OutgoingHttpHeaders = {}, parts: readonly Buffer[] = []): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':path': target, ...headers }, { endStream: parts.length === 0 && headers[':method'] !== 'POST' });
    const chunks: Buffer[] = [];
    let received: IncomingHttpHeaders = {};
    stream.on('response', (response) => (received = response));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve({ headers: received, body: Buffer.concat(chunks) }));
    stream.on('error', reject);
    for (const part of parts) stream.write(part);
    if (!stream.writableEnded) stream.end();
  });
}

const json = ({ body }: Answer): Record<string, unknown> => JSON.parse(body.toString()) as Record<string, unknown>;

test('a request is the JSON that it would be in HTTP/1.1', async () => {
  const answer = await ask('/_PLUGIN/echo/Echo?a=1', { 'x-own': 'yes', cookie: ['a=1', 'b=2'] });
  expect(answer.headers[':status']).toBe(200);
  expect(json(answer)).toEqual({
    http_vars: { file: 'echo', func: 'Echo' },
    url_query: { a: ['1'] },
    method: 'GET',
    path: '/_PLUGIN/echo/Echo',
    headers: { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, 'x-own': 'yes', cookie: 'a=1; b=2' },
    body: null,
  });
});

test('a body needs no length, and may be empty', async () => {
  const parts = [Buffer.from('one '), Buffer.from('two')];
  expect(json(await ask('/_PLUGIN/echo/Echo', { ':method': 'POST' }, parts))).toMatchObject({ body: 'one two' });
  expect(json(await ask('/_PLUGIN/echo/Echo', { ':method': 'POST' }))).toMatchObject({ body: '' });
  const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i));
  expect((await ask('/_PLUGIN/bytes/Bytes', { ':method': 'POST' }, [bytes])).body.equals(bytes)).toBe(true);
});

test('the limit of bodies holds, with a length and without', async () => {
  const large = Buffer.alloc(65_537);
  for (const headers of [{}, { 'content-length': large.length }]) {
    const answer = await ask('/_PLUGIN/bytes/Bytes', { ':method': 'POST', ...headers }, [large]);
    expect([answer.headers[':status'], json(answer)['code']]).toEqual([413, 'BODY_TOO_LARGE']);
  }
});

test('a reply has its status and headers, none of them twice, none lost', async () => {
  const { headers, body } = await ask('/_PLUGIN/cookies/Cookies');
  expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], vary: 'one, two', 'content-length': '5', 'content-type': expect.stringContaining('json') as string });
  expect(body.toString()).toBe('hello');
  expect((await ask('/_PLUGIN/status/Teapot')).headers[':status']).toBe(418);
});

test('HEAD has the headers of GET and no body; OPTIONS and a wrong method say what there is', async () => {
  const answer = await ask('/_PLUGIN/cookies/Cookies', { ':method': 'HEAD' });
  expect([answer.headers[':status'], answer.headers['content-length'], answer.body.length]).toEqual([200, '5', 0]);
  const options = await ask('/_PLUGIN/cookies/Cookies', { ':method': 'OPTIONS' });
  expect([options.headers[':status'], options.headers['allow']]).toEqual([204, 'GET, HEAD, OPTIONS']);
  const wrong = await ask('/_PLUGIN/cookies/Cookies', { ':method': 'DELETE' });
  expect([wrong.headers[':status'], wrong.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS']);
});

test('a large reply arrives whole', async () => {
  const { body } = await ask('/_PLUGIN/big_reply/BigReply');
  expect(body.equals(Buffer.alloc(64 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz'))).toBe(true);
});

test('the call of a client that goes away is not made, if it has not begun', async () => {
  const first = client.request({ ':path': '/_PLUGIN/gate/Wait' });
  await until(() => existsSync(`${gate}.begun`));
  const second = client.request({ ':path': '/_PLUGIN/gate/Wait' });
  const third = ask('/_PLUGIN/gate/Begun');
  await new Promise((resolve) => client.ping(resolve));
  second.close(8);
  await new Promise((resolve) => client.ping(resolve));
  writeFileSync(gate, '');
  expect((await third).body.toString()).toBe('1');
  first.close();
});

test('other paths are left alone', async () => {
  expect((await ask('/elsewhere')).body.toString()).toBe('not mine');
});
