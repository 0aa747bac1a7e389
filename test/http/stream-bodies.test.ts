import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { serveStreams, setBody, StreamInstance, type Serving, type StreamCall, type StreamHandler, type StreamServer } from '../support/stream-instance';
import { until } from '../support/until';

let served: StreamServer;
let instance: StreamInstance;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  served.close();
});

async function serve(functions: Record<string, StreamHandler>, serving?: Serving): Promise<void> {
  instance = new StreamInstance(functions);
  setBody(instance, 'STREAM');
  served = await serveStreams(instance, serving);
}

/** Counts what it gets. */
const count = async (call: StreamCall): Promise<void> => {
  let bytes = 0;
  for (let part = await call.read(); part !== null; part = await call.read()) bytes += part.length;
  call.exchange.reply({ status: -1, headers: null, body: String(bytes) });
};

interface Upload {
  readonly req: ClientRequest;
  readonly answer: Promise<IncomingMessage>;
}

function upload(func: string, headers: Record<string, string | number> = {}): Upload {
  const req = request(`${served.url}/${func}`, { method: 'POST', headers });
  const answer = new Promise<IncomingMessage>((resolve, reject) => req.on('response', resolve).on('error', reject));
  answer.catch(() => undefined);
  return { req, answer };
}

async function textOf(answer: Promise<IncomingMessage>): Promise<string> {
  let text = '';
  for await (const part of await answer) text += String(part);
  return text;
}

/** Writes so many bytes as the server takes them. */
async function send(req: ClientRequest, bytes: number): Promise<void> {
  const part = Buffer.alloc(100_000);
  for (let sent = 0; sent < bytes; sent += part.length) {
    if (!req.write(part.subarray(0, bytes - sent))) await new Promise((resolve) => req.once('drain', resolve));
  }
}

function raw(bytes: string): { socket: Socket; text: () => string; isOver: () => boolean } {
  const socket = connect(served.port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => undefined);
  socket.write(bytes);
  return { socket, text: () => text, isOver: () => socket.closed };
}

test('a body far above the limit comes in parts while the handler runs, with a length and without', async () => {
  await serve({ POSTCountHandler: count });
  for (const headers of [{ 'Content-Length': 50_000_000 }, {}]) {
    const { req, answer } = upload('Count', headers);
    await send(req, 50_000_000);
    req.end();
    expect(await textOf(answer)).toBe('50000000');
  }
});

test('no more than a part is ahead of a handler that does not read', async () => {
  let go!: () => void;
  const gate = new Promise<void>((resolve) => (go = resolve));
  await serve({ POSTCountHandler: async (call) => {
    await gate;
    await count(call);
  } });
  const { req, answer } = upload('Count');
  const sending = send(req, 30_000_000).then(() => req.end());
  await until(() => instance.calls.size === 1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = await new Promise<number>((resolve) => served.server.getConnections((_, connections) => resolve(connections)));
  expect([before, req.writableFinished]).toEqual([1, false]);
  go();
  await sending;
  expect(await textOf(answer)).toBe('30000000');
});

test('an empty body, and none, end at once', async () => {
  await serve({ POSTCountHandler: count });
  const empty = upload('Count', { 'Content-Length': 0 });
  empty.req.end();
  expect(await textOf(empty.answer)).toBe('0');
  const { text } = raw('POST /_PLUGIN/test/Count HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => text().endsWith('\r\n\r\n0'));
});

test('a request behind one whose body was taken in parts is answered on the same connection', async () => {
  await serve({ POSTCountHandler: count });
  const one = 'POST /_PLUGIN/test/Count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';
  const { text } = raw(one + one);
  await until(() => text().split('HTTP/1.1 200 OK').length === 3 && text().endsWith('5'));
});

test('a client that goes away half-way is told to the handler', async () => {
  let failed: unknown;
  await serve({ POSTCountHandler: async (call) => {
    await count(call).catch((error: unknown) => (failed = error));
    call.exchange.reply({ status: 500, headers: null, body: '' });
  } });
  const { socket } = raw('POST /_PLUGIN/test/Count HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nhello');
  await until(() => instance.calls.size === 1);
  socket.destroy();
  await until(() => failed);
  expect(String(failed)).toMatch(/client has gone/);
});

test('one that sends nothing for too long is cut off, but not while the handler is busy', async () => {
  let failed: unknown;
  await serve({ POSTCountHandler: async (call) => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await call.read())?.toString()).toBe('hello');
    await call.read().catch((error: unknown) => (failed = error));
  } }, { writeTimeout: 200 });
  const { isOver } = raw('POST /_PLUGIN/test/Count HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nhello');
  await until(isOver);
  await until(() => failed);
});

describe('a handler that does not take all of its body', () => {
  const hasty: StreamHandler = async (call) => {
    await call.read();
    call.exchange.reply({ status: 403, headers: null, body: 'no' });
  };

  test('loses nothing where the rest is short: the connection is kept', async () => {
    await serve({ POSTHastyHandler: hasty });
    const one = `POST /_PLUGIN/test/Hasty HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n${'x'.repeat(500_000)}`;
    const { text } = raw(one + one);
    await until(() => text().split('HTTP/1.1 403').length === 3);
  });

  test('has its answer read before the connection ends, where the rest is long', async () => {
    await serve({ POSTHastyHandler: hasty });
    const { socket, text, isOver } = raw('POST /_PLUGIN/test/Hasty HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n');
    const part = Buffer.alloc(100_000);
    const sending = setInterval(() => socket.writableLength < 1e6 && socket.write(part), 1);
    await until(isOver);
    clearInterval(sending);
    expect(text()).toMatch(/^HTTP\/1\.1 403 .*no$/s);
    expect(socket.bytesWritten).toBeLessThan(500_000_000);
  });

  test('is told of no client that waits to be asked: the body of a call that is refused is not sent', async () => {
    await serve({ POSTHastyHandler: hasty }, { settings: { queue: 0 } });
    instance.capacity = 0;
    const { text, isOver } = raw('POST /_PLUGIN/test/Hasty HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n');
    await until(isOver);
    expect(text()).toMatch(/^HTTP\/1\.1 503 .*OVERLOADED/s);
  });
});

test('a client that asks first may send a body above the limit', async () => {
  await serve({ POSTCountHandler: count });
  const { socket, text } = raw('POST /_PLUGIN/test/Count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n');
  await until(() => text() === 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('x'.repeat(5000));
  await until(() => text().endsWith('\r\n\r\n5000'));
  expect(text()).not.toContain('Connection: close');
});

test('a body in parts may take longer than a whole request may', async () => {
  await serve({ POSTCountHandler: count });
  let connection!: Socket;
  served.server.once('connection', (accepted: Socket) => (connection = accepted));
  // node:http looks as often as its option connectionsCheckingInterval says, which is that of a whole server.
  const { socket, text } = raw('POST /_PLUGIN/test/Count HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
  await until(() => instance.calls.size === 1 && connection);
  const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  served.server.emit('clientError', late, connection);
  socket.write('world');
  await until(() => text().endsWith('\r\n\r\n10'));
  served.server.emit('clientError', late, connection);
  await until(() => socket.closed);
});

test('one that is dropped is not kept, however long it is, and needs no end', async () => {
  await serve({ POSTNoneHandler: ({ exchange }) => exchange.reply({ status: -1, headers: null, body: JSON.stringify([exchange.body, exchange.input, exchange.text.endsWith('"body":null}')]) }) });
  setBody(instance, 'NONE');
  const { socket, text } = raw('POST /_PLUGIN/test/None HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n');
  await until(() => text().endsWith('[null,null,true]'));
  socket.write(Buffer.alloc(20_000_000));
  socket.write('POST /_PLUGIN/test/None HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => text().split('[null,null,true]').length === 3);
});

test('a raw one is kept as ever, with its limit, and its text is complete', async () => {
  await serve({ POSTRawHandler: ({ exchange }) => exchange.reply({ status: -1, headers: null, body: JSON.stringify([exchange.body?.toString(), exchange.text.endsWith('"body":null}')]) }) });
  setBody(instance, 'RAW');
  const small = upload('Raw');
  small.req.end('hello');
  expect(await textOf(small.answer)).toBe('["hello",true]');
  const large = upload('Raw');
  large.req.end('x'.repeat(2000));
  expect((await large.answer).statusCode).toBe(413);
});

test('over HTTP/2 a body comes in parts, and a client that leaves shows', async () => {
  let failed: unknown;
  await serve({ POSTCountHandler: (call) => count(call).catch((error: unknown) => void (failed = error)) });
  const server = createHttp2Server((req, res) => void served.endpoint.handle(req, res, req.url));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const whole = client.request({ ':path': '/_PLUGIN/test/Count', ':method': 'POST' });
  whole.end(Buffer.alloc(5_000_000));
  let text = '';
  for await (const part of whole) text += String(part);
  expect(text).toBe('5000000');
  const broken = client.request({ ':path': '/_PLUGIN/test/Count', ':method': 'POST' });
  broken.on('error', () => undefined).write('hello');
  await until(() => instance.calls.size === 1);
  broken.close(8);
  await until(() => failed);
  client.close();
  server.close();
});
