import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type ClientHttp2Session, type ClientHttp2Stream, type Http2Server } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostOptions, PluginHost } from '../../src';
import { embed } from '../support/embed';
import { until } from '../support/until';

/** The budget has room for two of these; and for one that is larger, unless there is another. */
const LARGE = '/_PLUGIN/sized_reply/Sized?n=3000000';
const LARGER = '/_PLUGIN/sized_reply/Sized?n=6000000';
const BUDGET: HostOptions['http'] = { bodybudget: '8MB', writetimeout: '2s' };

let host: PluginHost;
let server: Server | Http2Server | undefined;
const sockets: Socket[] = [];
const sessions: ClientHttp2Session[] = [];

const listen = async (made: Server | Http2Server): Promise<number> => {
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return (made.address() as AddressInfo).port;
};

beforeEach(async () => {
  ({ host } = await embed(['sized_reply.c', 'slow_count.c'], { http: BUDGET }));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const session of sessions.splice(0)) session.destroy();
  server?.close();
  server = undefined;
  await host.close();
});

describe('over HTTP/1.1', () => {
  let port: number;
  beforeEach(async () => {
    port = await listen(createServer((req, res) => void host.handle(req, res)));
  });

  /** A connection with these requests on it, of which nothing is read. */
  function send(...targets: string[]): Socket {
    const socket = connect(port, '127.0.0.1').pause();
    socket.on('error', () => undefined).write(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: here\r\n\r\n`).join(''));
    sockets.push(socket);
    return socket;
  }

  const ask = async (target: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}${target}`);
    return `${response.status} ${(await response.arrayBuffer()).byteLength}`;
  };
  const connections = (): Promise<number> => new Promise((resolve) => server!.getConnections((_, count) => resolve(count)));

  test('replies that waited behind another one are counted no more when their client has left', async () => {
    expect(await ask(LARGE)).toBe('200 3000000');
    for (let round = 0; round < 3; round++) {
      let socket: Socket | undefined;
      // The one that asks must not be in the way of those that are to wait.
      await until(async () => {
        socket?.destroy();
        socket = send('/_PLUGIN/sized_reply/Sized?ms=3000', LARGE, LARGE, LARGE, LARGE);
        await delay(100);
        return (await ask(LARGER)).startsWith('503');
      });
      socket?.destroy();
      await until(async () => (await ask(LARGER)) === '200 6000000');
    }
  });

  test('a client that reads the first of several replies, and then nothing, is cut', async () => {
    const socket = send(LARGE, LARGE, LARGE);
    let read = 0;
    socket.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read > 3_100_000) socket.pause();
    });
    socket.resume();
    await until(() => read > 3_100_000);
    await until(async () => (await connections()) === 0);
    expect(await ask(LARGE)).toBe('200 3000000');
  });

  test('a client that reads none of many small replies is cut', async () => {
    send(...Array.from({ length: 500 }, () => '/_PLUGIN/sized_reply/Sized?n=15000'));
    await until(async () => (await connections()) === 1);
    await until(async () => (await connections()) === 0);
  });

  test('requests of a client that leaves while their plugin is opened are not made', async () => {
    const socket = send(...Array.from({ length: 10 }, () => '/_PLUGIN/slow_count/Count'));
    await until(async () => (await host.plugins()).some(({ name, state }) => name === 'slow_count' && state === 'opening'));
    socket.destroy();
    expect(await (await fetch(`http://127.0.0.1:${port}/_PLUGIN/slow_count/Count`)).text()).toBe('1');
  });

  test('a client that reads slowly is not', async () => {
    const socket = send(LARGE);
    let read = 0;
    socket.on('data', (chunk: Buffer) => {
      read += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), chunk.length / 1500);
    });
    socket.resume();
    await until(() => read > 3_000_000);
  });
});

describe('over HTTP/2', () => {
  let session: ClientHttp2Session;
  beforeEach(async () => {
    const port = await listen(createHttp2Server((req, res) => void host.handle(req, res)));
    session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 10_000 } });
    sessions.push(session);
  });

  function begin(target: string): ClientHttp2Stream {
    return session.request({ ':path': target }).on('error', () => undefined);
  }

  const ask = (target: string): Promise<string> =>
    new Promise((resolve) => {
      let status = '';
      let length = 0;
      begin(target)
        .on('response', (headers) => (status = String(headers[':status'])))
        .on('data', (chunk: Buffer) => (length += chunk.length))
        .on('close', () => resolve(`${status} ${length}`));
    });

  test('a reply that nobody reads is ended, and counted no more; other requests of the connection go on', async () => {
    // Without a listener all of it would be read and dropped.
    await Promise.all([begin(LARGE), begin(LARGE)].map((stream) => once(stream, 'response')));
    expect(await ask(LARGE)).toMatch(/^503/);
    expect(await ask('/_PLUGIN/sized_reply/Sized?n=10')).toBe('200 10');
    await until(async () => (await ask(LARGE)) === '200 3000000');
  });

  test('headers that HTTP/2 has no room for are an error of the plugin', async () => {
    expect(await ask('/_PLUGIN/sized_reply/TwoPlaces')).toMatch(/^500 \d+$/);
    expect(await ask('/_PLUGIN/sized_reply/Sized?n=10')).toBe('200 10');
  });
});

/** In a process of its own, which an uncaught exception ends. */
const RESETS = `
  const { createPluginHost } = require(${JSON.stringify(path.resolve(__dirname, '../../dist'))});
  const { connect, createServer, constants } = require('node:http2');
  createPluginHost({ pluginpath: process.argv[1], plugins: { mode: process.argv[2] } }).then((host) => {
    const server = createServer((req, res) => host.handle(req, res)).listen(0, '127.0.0.1', () => {
      const session = connect('http://127.0.0.1:' + server.address().port);
      const ask = (ms) => session.request({ ':path': '/_PLUGIN/sized_reply/Sized?n=100000&ms=' + ms }).on('error', () => undefined);
      for (let i = 0; i < 5; i++) {
        const stream = ask(200);
        setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 50);
      }
      ask(600).on('response', (headers) => {
        console.log(headers[':status']);
        session.destroy();
        server.close();
        void host.close();
      });
    });
  });
`;

test.each(['thread', 'process'])('clients that reset their streams harm nobody, mode %s', async (mode) => {
  const { host: unused, pluginpath } = await embed(['sized_reply.c']);
  await unused.close();
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', RESETS, pluginpath, mode], { encoding: 'utf8', timeout: 60_000 });
  expect({ stdout, stderr }).toEqual({ stdout: '200\n', stderr: '' });
});
