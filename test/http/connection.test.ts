import { existsSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { openDoors, type Doors } from '../support/doors';
import { scratch } from '../support/server';
import { until } from '../support/until';

const LIMIT = 1024;
const ECHO = '/_PLUGIN/echo/Echo';
const gate = path.join(scratch(), 'gate');

let doors: Doors;

beforeAll(async () => {
  const toml = `[http]\nbodylimit = "${LIMIT}B"\n[plugin.gate.config]\ngate = "${gate}"\n`;
  doors = await openDoors(['echo.c', 'status.c', 'gate.c'], toml);
});
afterAll(() => doors.stop());

/** A whole request: its first line, more lines, its body. */
function request(line: string, lines: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: plugins.test', ...lines, '', body].join('\r\n');
}

const LAST = request(`GET ${ECHO}?last`, ['Connection: close']);

/** Connects, sends all of it at once, and resolves with every byte that came until the server closed the connection. */
function converse(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = open(url);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (error) => (chunks.length > 0 ? undefined : reject(error)));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1').replace(/\r\nDate: [^\r]*/g, '')));
    socket.write(bytes, 'latin1');
  });
}

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname);
}

/** The same bytes through both doors; they must answer the same. */
async function say(bytes: string): Promise<string> {
  const [fast, express] = await Promise.all([converse(doors.fast.url, bytes), converse(doors.express.url, bytes)]);
  expect(express).toBe(fast);
  return fast;
}

const statuses = (answers: string): number[] => Array.from(answers.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status));

test('requests that are sent without waiting are answered in order', async () => {
  const targets = [`${ECHO}?n=0`, '/_PLUGIN/nope/Nope', `${ECHO}?n=2`, '/_health', `${ECHO}?n=4`];
  const answers = await say(targets.map((target) => request(`GET ${target}`)).join('') + LAST);
  expect(statuses(answers)).toEqual([200, 404, 200, 200, 200, 200]);
  expect(Array.from(answers.matchAll(/"n":\["(\d)"\]/g), ([, n]) => n)).toEqual(['0', '2', '4']);
});

const TOO_LONG = 'x'.repeat(LIMIT + 1);

test.each([
  [413, request(`POST ${ECHO}`, [`Content-Length: ${TOO_LONG.length}`], TOO_LONG)],
  [413, request(`POST ${ECHO}`, ['Transfer-Encoding: chunked'], `${TOO_LONG.length.toString(16)}\r\n${TOO_LONG}\r\n0\r\n\r\n`)],
  [404, request('POST /_PLUGIN/nope/Nope', ['Content-Length: 4'], 'body')],
  [404, request('POST /nope', ['Content-Length: 4'], 'body')],
  [405, request(`PUT ${ECHO}`, ['Content-Length: 4'], 'body')],
  [400, request('POST /_PLUGIN/%2e%2e/Echo', ['Content-Length: 4'], 'body')],
  [400, request(`POST ${ECHO}`, ['Content-Length: 4', 'X-Dlserve-Timeout: soon'], 'body')],
])('after a %d the connection serves on, whatever was left of the body', async (status, failing) => {
  const answers = await say(failing + LAST);
  expect(statuses(answers)).toEqual([status, 200]);
  expect(answers).toContain('"url_query":{"last":[""]}');
});

test.each([
  ['HEAD', ECHO, 200],
  ['HEAD', '/_PLUGIN/nope/Nope', 404],
  ['OPTIONS', ECHO, 204],
  ['GET', '/_PLUGIN/status/NoContent', 204],
  ['GET', '/_PLUGIN/status/ResetContent', 205],
  ['GET', '/_PLUGIN/status/NotModified', 304],
])('an answer without body is followed by the next one at once: %s %s', async (method, target, status) => {
  const answers = await say(request(`${method} ${target}`) + LAST);
  expect(statuses(answers)).toEqual([status, 200]);
  expect(answers).toMatch(/\r\n\r\nHTTP\/1\.1 200 OK/);
});

test.each([
  ['Content-Length and Transfer-Encoding', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
  ['two lengths', ['Content-Length: 4', 'Content-Length: 5']],
  ['a length that is none', ['Content-Length: +4']],
  ['chunked that is not last', ['Transfer-Encoding: chunked, gzip']],
  ['a space before the colon', ['Transfer-Encoding : chunked']],
  ['a folded header', ['X-A: b', ' Content-Length: 4']],
])('what could be read in two ways is refused, and the connection closed: %s', async (_, lines) => {
  const answers = await say(request(`POST ${ECHO}`, lines, '0\r\n\r\n') + LAST);
  expect(statuses(answers)).toEqual([400]);
});

test.each(['http://plugins.test', 'HTTP://plugins.test:80', 'https://user@[::1]:1'])(
  'a target with scheme and host (%s) is the same endpoint',
  async (origin) => {
    const answers = await say(request(`GET ${origin}${ECHO}?a=http://b/c`) + request(`GET ${origin}/_PLUGIN/nope/Nope`) + LAST);
    expect(statuses(answers)).toEqual([200, 404, 200]);
    expect(answers).toContain(`"url_query":{"a":["http://b/c"]},"method":"GET","path":"${ECHO}"`);
    expect(answers).toContain('LIBRARY_NOT_FOUND');
  },
);

test.each(['http://plugins.test', `http://plugins.test?${ECHO}`, `//plugins.test${ECHO}`, `/${ECHO}`, '*'])(
  '%s is no route',
  async (target) => {
    expect(statuses(await say(request(`OPTIONS ${target}`) + LAST))).toEqual([404, 200]);
  },
);

test('no header is lost among two thousand', async () => {
  const lines = Array.from({ length: 2000 }, (_, i) => `${i.toString(36)}:`);
  const answers = await say(request(`POST ${ECHO}`, [...lines, 'Content-Length: 4'], 'body') + LAST);
  expect(statuses(answers)).toEqual([200, 200]);
  expect(answers).toContain('"content-length":"4"},"body":"body"}');
});

describe.each(['fast', 'express'] as const)('through the %s door', (door) => {
  test('an upload that is broken off, and one that comes byte by byte, disturb nobody', async () => {
    const { url } = doors[door];
    for (const head of ['Content-Length: 500', 'Transfer-Encoding: chunked', `Content-Length: ${TOO_LONG.length}`]) {
      const socket = open(url);
      await new Promise((resolve) => socket.write(request(`POST ${ECHO}`, [head], '5\r\nhello'), resolve));
      socket.destroy();
    }
    const slow = open(url);
    let answer = '';
    slow.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    for (const byte of request(`POST ${ECHO}`, ['Content-Length: 5'], 'bytes')) {
      await new Promise((resolve) => slow.write(byte, resolve));
    }
    await until(() => answer.includes('"body":"bytes"}'));
    slow.destroy();
    expect(doors[door].log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });
});

test('clients that go away while their calls wait disturb nobody', async () => {
  const { url } = doors.fast;
  const first = converse(url, request('GET /_PLUGIN/gate/Wait', ['Connection: close']));
  await until(() => existsSync(`${gate}.begun`));
  const gone = Array.from({ length: 3 }, () => open(url));
  for (const socket of gone) await new Promise((resolve) => socket.write(request('GET /_PLUGIN/gate/Begun'), resolve));
  // A request on a connection of its own is read after those that came before.
  expect(statuses(await converse(url, LAST))).toEqual([200]);
  for (const socket of gone) socket.destroy();
  const stays = converse(url, request('GET /_PLUGIN/gate/Begun', ['Connection: close']));
  writeFileSync(gate, '');
  expect(await first).toMatch(/through$/);
  expect(await stays).toMatch(/\r\n\r\n1$/);
});
