import { connect, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { openDoors, send as ask, type Doors } from '../support/doors';
import { until } from '../support/until';

const MEGABYTE = 1024 * 1024;
const BYTES = '/_PLUGIN/bytes/Bytes';

let doors: Doors | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await doors?.stop();
  doors = undefined;
});

async function open(http: string): Promise<Doors> {
  return (doors = await openDoors(['bytes.c', 'echo.c', 'big_reply.c'], `[http]\n${http}\n`));
}

/** A connection that sends so much and then nothing more, and reads nothing. */
function stall(url: string, bytes: string | Buffer): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on('error', () => undefined).pause();
  socket.write(bytes);
  return socket;
}

const head = (length: number): string => `POST ${BYTES} HTTP/1.1\r\nHost: plugins.test\r\nContent-Length: ${length}\r\n\r\n`;
const half = Buffer.concat([Buffer.from(head(MEGABYTE)), Buffer.alloc(MEGABYTE / 2)]);

describe.each(['fast', 'express'] as const)('behind the %s door', (door) => {
  test('bodies that are on their way may take so much together; then the answer is 503, and 200 again when they are gone', async () => {
    const { url } = (await open('bodybudget = "4MB"'))[door];
    const post = async (): Promise<[number, string | null]> => {
      const response = await fetch(url + BYTES, { method: 'POST', body: Buffer.alloc(MEGABYTE - 1) });
      return [response.status, response.headers.get('retry-after')];
    };
    expect(await post()).toEqual([200, null]);
    for (let i = 0; i < 7; i++) stall(url, half);
    // One that came while such a request was read was refused itself.
    await until(async () => {
      stall(url, half);
      return (await post())[0] === 503;
    });
    expect(await post()).toEqual([503, '1']);
    // What needs no room is answered all the same.
    expect((await fetch(`${url}/_PLUGIN/echo/Echo`)).status).toBe(200);
    for (const socket of sockets.splice(0)) socket.destroy();
    await until(async () => (await post())[0] === 200);
  });

  test('a body that is larger than all of it has room while it is alone', async () => {
    const { url } = (await open('bodybudget = "1MB"\nbodylimit = "8MB"'))[door];
    const response = await fetch(url + BYTES, { method: 'POST', body: Buffer.alloc(3 * MEGABYTE, 'x') });
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 3 * MEGABYTE]);
  });

  test('replies that their clients do not read count, and such clients are cut', async () => {
    const { url } = (await open('bodybudget = "100MB"\nwritetimeout = "2s"'))[door];
    const reply = '/_PLUGIN/big_reply/BigReply';
    const get = `GET ${reply} HTTP/1.1\r\nHost: plugins.test\r\n\r\n`;
    stall(url, get);
    await until(async () => {
      const answer = await fetch(url + reply);
      await answer.arrayBuffer();
      return answer.status === 503;
    });
    // Reading nothing, it hears of the end only when it reads.
    await until(async () => {
      const answer = await fetch(url + reply);
      await answer.arrayBuffer();
      return answer.status === 200;
    });
    const [socket] = sockets;
    let received = 0;
    socket!.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
    await until(() => socket!.closed);
    expect(received).toBeLessThan(64 * MEGABYTE);
  });

  test('a slow reader is not cut as long as it reads', async () => {
    const { url } = (await open('writetimeout = "1s"'))[door];
    const socket = stall(url, 'GET /_PLUGIN/big_reply/BigReply HTTP/1.1\r\nHost: plugins.test\r\nConnection: close\r\n\r\n');
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      // 64 MB in pieces, for longer than a second in all.
      if (received % (8 * MEGABYTE) < chunk.length) {
        socket.pause();
        setTimeout(() => socket.resume(), 250);
      }
    });
    socket.resume();
    await until(() => socket.closed);
    expect(received).toBeGreaterThan(64 * MEGABYTE);
  });

  test('a body in pieces of a byte takes no more than one in a piece', async () => {
    const { url } = (await open('bodylimit = "1MB"'))[door];
    const raw = Buffer.from('1\r\nx\r\n'.repeat(300_000) + '0\r\n\r\n');
    const answer = await ask(url, { method: 'POST', path: BYTES, headers: ['Transfer-Encoding: chunked'], raw });
    expect(answer.subarray(-300_000).equals(Buffer.alloc(300_000, 'x'))).toBe(true);
  });
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux.each(['thread', 'process', 'inline'])('memory is given back when the bodies are gone (mode %s)', async (mode) => {
  doors = await openDoors(['bytes.c', 'echo.c'], `[plugins]\nmode = "${mode}"\nqueue = 4096\n`);
  const { url, process: server } = doors.fast;
  const rss = (): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid!}/status`, 'utf8'))![1]) * 1024;
  await fetch(`${url}/_PLUGIN/echo/Echo`);
  const before = rss();
  const body = Buffer.alloc(MEGABYTE - 1, 'x');
  const post = (): Promise<Buffer> => ask(url, { path: BYTES, body });
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 150 }, post));
  await until(() => rss() < before + 48 * MEGABYTE);
});
