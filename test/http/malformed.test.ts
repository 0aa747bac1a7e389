import { existsSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { Probes } from '../../src/http/probes';
import { createServer } from '../../src/http/server';
import { openDoors, parseAnswer, type Doors } from '../support/doors';
import { recordedLog } from '../support/log';
import { scratch } from '../support/server';
import { until } from '../support/until';

const ECHO = '/_PLUGIN/echo/Echo';
const gate = path.join(scratch(), 'gate');

let doors: Doors;

beforeAll(async () => {
  doors = await openDoors(['echo.c', 'gate.c'], `[plugin.gate.config]\ngate = "${gate}"\n`);
});
afterAll(() => doors.stop());

function open(port: string | number): { socket: Socket; received: () => string } {
  const socket = connect(Number(port), '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  return { socket, received: () => received };
}

/** Sends the bytes and leaves the connection open; resolves with what came until the server closed it. */
async function say(url: string, bytes: string): Promise<string> {
  const { socket, received } = open(new URL(url).port);
  socket.write(bytes, 'latin1');
  await until(() => socket.closed);
  return received();
}

const statuses = (answers: string): number[] => Array.from(answers.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status));

const LONG = 'x'.repeat(20_000);

describe.each(['fast', 'express'] as const)('behind the %s door', (door) => {
  test.each([
    [400, 'BAD_REQUEST', 'two Hosts', `GET ${ECHO} HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n`],
    [400, 'BAD_REQUEST', 'two Hosts in HTTP/1.0', `GET ${ECHO} HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n`],
    [400, 'BAD_REQUEST', 'no Host', `GET ${ECHO} HTTP/1.1\r\n\r\n`],
    [400, 'BAD_REQUEST', 'no Host, on a path of nobody', 'GET /nope HTTP/1.1\r\n\r\n'],
    [400, 'BAD_REQUEST', 'two Hosts, and a question whether to go on', `POST ${ECHO} HTTP/1.1\r\nHost: a\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`],
    [505, 'HTTP_VERSION', 'HTTP/0.9', `GET ${ECHO}\r\n\r\n`],
    [505, 'HTTP_VERSION', 'HTTP/2.0 in a line', `GET ${ECHO} HTTP/2.0\r\nHost: a\r\n\r\n`],
    [505, 'HTTP_VERSION', 'HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [505, 'HTTP_VERSION', 'a version that there is not', `GET ${ECHO} HTTP/1.7\r\nHost: a\r\n\r\n`],
    [400, 'BAD_REQUEST', 'a line that is none', 'what is this?\r\n\r\n'],
    [400, 'BAD_REQUEST', 'a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    [400, 'BAD_REQUEST', 'two lengths', `POST ${ECHO} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    [400, 'BAD_REQUEST', 'a chunk that is none', `POST ${ECHO} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n`],
    [431, 'HEADERS_TOO_LARGE', 'a long header', `GET ${ECHO} HTTP/1.1\r\nHost: a\r\nX-A: ${LONG}\r\n\r\n`],
    [431, 'HEADERS_TOO_LARGE', 'a long line', `GET ${ECHO}?${LONG} HTTP/1.1\r\nHost: a\r\n\r\n`],
  ])('%d %s is the whole answer to %s, and its connection is closed', async (status, code, _, bytes) => {
    const raw = await say(doors[door].url, bytes);
    expect(statuses(raw)).toEqual([status]);
    const answer = parseAnswer(Buffer.from(raw, 'latin1'));
    expect(answer.json()).toEqual({ code, error: expect.any(String) as unknown });
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('content-length')).toBe(String(answer.body.length));
    expect(answer.headers.get('connection')).toBe('close');
  });

  test('HTTP/1.0 needs no Host', async () => {
    expect(statuses(await say(doors[door].url, `GET ${ECHO} HTTP/1.0\r\n\r\n`))).toEqual([200]);
  });

  test('requests before one that can not be read are answered first, however long they take', async () => {
    const good = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
    for (const file of [gate, `${gate}.begun`]) rmSync(file, { force: true });
    const { socket, received } = open(new URL(doors[door].url).port);
    socket.write(`${good('/_PLUGIN/gate/Wait')}${good(`${ECHO}?behind`)}what is this?\r\n\r\n`);
    await until(() => existsSync(`${gate}.begun`));
    // node:http tells it again with each piece.
    for (let i = 0; i < 3; i++) await new Promise((resolve) => socket.write('and this?\r\n\r\n', resolve));
    await until(async () => (await fetch(`${doors[door].url}${ECHO}`)).ok);
    expect(received()).toBe('');
    writeFileSync(gate, '');
    await until(() => socket.closed);
    expect(statuses(received())).toEqual([200, 200, 400]);
    expect(received()).toMatch(/"behind"[^]*"code":"BAD_REQUEST"\}$/);
  });

  test('clients that send nonsense and leave disturb nobody', async () => {
    for (const bytes of ['what is this?\r\n\r\n', `POST ${ECHO} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n`, 'GET / HT']) {
      const { socket } = open(new URL(doors[door].url).port);
      await new Promise((resolve) => socket.write(bytes, resolve));
      socket.resetAndDestroy();
    }
    expect((await fetch(`${doors[door].url}${ECHO}`)).status).toBe(200);
    expect(doors[door].log().filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });
});

describe('with little patience', () => {
  let server: Server;
  let port: number;

  beforeAll(async () => {
    const { log } = recordedLog();
    const probes = new Probes(() => ({ ready: true, plugins: [] }), log);
    server = createServer({ endpoint: undefined, fastlane: false, bodylimit: 1024, log, probes });
    server.headersTimeout = server.requestTimeout = 20;
    // node:http takes it as an option of its constructor only, but reads it when it begins to listen.
    Object.assign(server, { connectionsCheckingInterval: 20 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test.each(['GET /a HTTP/1.1\r\nHost:', 'GET /a HTTP/1.1\r\nHost: a\r\n'])('408 REQUEST_TIMEOUT answers half a request (%j)', async (half) => {
    const raw = await say(`http://127.0.0.1:${port}`, half);
    expect(statuses(raw)).toEqual([408]);
    expect(parseAnswer(Buffer.from(raw)).json()).toMatchObject({ code: 'REQUEST_TIMEOUT' });
  });
});
