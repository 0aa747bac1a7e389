import { createServer, request, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { PluginHost } from '../../src';
import { embed } from '../support/embed';
import { until } from '../support/until';

const SIZED = '/_PLUGIN/sized_reply/Sized?n=';
const BYTES = '/_PLUGIN/bytes/Bytes';
const MB = 1024 * 1024;

let host: PluginHost;
const servers: (Server | Http2Server)[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await host.close();
});

const listen = async (server: Server | Http2Server): Promise<number> => {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

/** Kilobytes of bodies that this process still has in memory that it shares with runners. */
function shared(): number {
  const maps = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).filter((map) => map.includes('memfd:dlserve-area'));
  return maps.reduce((sum, map) => sum + Number(/^Rss:\s+(\d+)/m.exec(map)![1]), 0);
}

function pattern(length: number, seed: number): Buffer {
  return Buffer.alloc(length, Buffer.from(Array.from({ length: 251 }, (_, i) => i + seed)));
}

/** Sends a body in chunks, with its length or without. */
function post(port: number, body: Buffer, chunk: number, saysLength: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = saysLength ? { 'Content-Length': body.length } : {};
    const req = request({ port, host: '127.0.0.1', method: 'POST', path: BYTES, headers, agent: false }, (res) => {
      const parts: Buffer[] = [];
      res.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)));
    });
    req.on('error', reject);
    for (let at = 0; at < body.length; at += chunk) req.write(body.subarray(at, at + chunk));
    req.end();
  });
}

describe.each(['process', 'thread', 'inline'] as const)('mode %s', (mode) => {
  beforeEach(async () => {
    ({ host } = await embed(['sized_reply.c', 'bytes.c'], { plugins: { mode }, http: { bodylimit: '8MB' } }));
  });

  test('bodies come back as they went, whatever their size and however they come, many at once', async () => {
    const port = await listen(createServer((req, res) => void host.handle(req, res)));
    const sizes = [0, 1, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 200_000, MB - 1, MB, MB + 1, 3 * MB];
    const sent = sizes.flatMap((size, i) => [true, false].map((saysLength) => ({ body: pattern(size, i), saysLength })));
    for (const chunk of [100_000, 7001]) {
      const got = await Promise.all(sent.map(({ body, saysLength }) => post(port, body, chunk, saysLength)));
      for (const [i, { body, saysLength }] of sent.entries()) expect([body.length, saysLength, got[i]!.length, got[i]!.equals(body)]).toEqual([body.length, saysLength, body.length, true]);
    }
  });

  test('what nobody reads to its end leaves nothing behind', async () => {
    const port = await listen(createServer((req, res) => void host.handle(req, res)));
    const plain = await listen(createHttp2Server((req, res) => void host.handle(req, res)));
    for (let round = 0; round < 10; round++) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write(`GET ${SIZED}${5 * MB} HTTP/1.1\r\nHost: here\r\n\r\n`.repeat(3));
      if (round % 2 === 0) await once(socket, 'data');
      socket.destroy();
      const session = connectHttp2(`http://127.0.0.1:${plain}`);
      const stream = session.request({ ':path': `${SIZED}${2 * MB}` }).on('error', () => undefined);
      await once(stream, 'data');
      stream.close();
      session.destroy();
    }
    const head = await fetch(`http://127.0.0.1:${port}${SIZED}${MB}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(MB)]);
    const reply = await host.call('sized_reply', 'Sized', { query: `n=${MB}` });
    expect(reply.body.equals(Buffer.alloc(MB, 'x'))).toBe(true);
    const whole = await fetch(`http://127.0.0.1:${port}${SIZED}${MB}`);
    expect(Buffer.from(await whole.arrayBuffer()).equals(Buffer.alloc(MB, 'x'))).toBe(true);
    if (process.platform === 'linux') await until(() => shared() <= 16);
    // Else nothing was tried.
    if (mode === 'process' && process.platform === 'linux') expect(readFileSync('/proc/self/smaps', 'utf8')).toContain('memfd:dlserve-area');
  });
});
