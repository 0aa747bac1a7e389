import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { constants, createGzip, createGunzip } from 'node:zlib';
import { DlserveError } from '../../src/ground/errors';
import { serveStreams, StreamInstance, type Serving, type StreamCall, type StreamHandler, type StreamServer } from '../support/stream-instance';
import { until } from '../support/until';

// It is called a second later, when this file may be done.
jest.mock('../../src/runtimes/registry', () => ({ relieveMemory: () => undefined }));

let served: StreamServer;
let instance: StreamInstance;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  served.close();
});

async function serve(functions: Record<string, StreamHandler>, serving?: Serving): Promise<void> {
  instance = new StreamInstance(functions);
  served = await serveStreams(instance, serving);
}

const ask = (func: string, options: RequestOptions = {}): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request(`${served.url}/${func}`, options, resolve).on('error', reject).end();
  });

/** Sends bytes on a connection of its own; what comes back so far, and whether it has ended. */
function raw(bytes: string): { socket: Socket; text: () => string; isOver: () => boolean; error: () => string | undefined } {
  const socket = connect(served.port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  let error: string | undefined;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code));
  socket.write(bytes);
  return { socket, text: () => text, isOver: () => socket.closed, error: () => error };
}

const get = (func: string, version = '1.1'): string => `GET /_PLUGIN/test/${func} HTTP/${version}\r\nHost: a\r\n\r\n`;

/** A handler that waits for a word of the test between its parts. */
class Steps {
  call!: StreamCall;
  #done!: () => void;
  readonly handler: StreamHandler = (call) => {
    this.call = call;
    return new Promise((resolve) => (this.#done = resolve));
  };

  async began(): Promise<StreamCall> {
    await until(() => this.call);
    return this.call;
  }

  end(): void {
    this.call.exchange.end();
    this.#done();
  }
}

test('an empty part sends status and headers, and each part leaves at once', async () => {
  const steps = new Steps();
  await serve({ GETEventsHandler: steps.handler });
  const { text } = raw(get('Events'));
  const call = await steps.began();
  call.begin(201, 'Content-Type: text/event-stream');
  await call.write('');
  await until(() => text().includes('\r\n\r\n'));
  expect(text()).toMatch(/^HTTP\/1\.1 201 Created\r\nContent-Type: text\/event-stream\r\n.*Transfer-Encoding: chunked\r\n\r\n$/s);
  for (const part of ['data: 1\n\n', 'data: 2\n\n']) {
    await call.write(part);
    await until(() => text().endsWith(`9\r\n${part}\r\n`));
  }
  steps.end();
  await until(() => text().endsWith('0\r\n\r\n'));
});

test('the connection is kept after a reply in parts, and requests behind it are answered in order', async () => {
  const steps = new Steps();
  await serve({ GETEventsHandler: steps.handler, GETPlainHandler: ({ exchange }) => exchange.reply({ status: -1, headers: null, body: 'plain' }), GETShortHandler: async (call) => {
    call.begin();
    await call.write('short');
    call.exchange.end();
  } });
  const { text } = raw(get('Events') + get('Plain') + get('Short') + get('Plain'));
  const call = await steps.began();
  await until(() => instance.calls.size === 1);
  call.begin();
  await call.write('one');
  await until(() => text().endsWith('3\r\none\r\n'));
  steps.end();
  await until(() => text().split('HTTP/1.1 200 OK').length === 5 && text().endsWith('plain'));
  expect(text()).toMatch(/one.*0\r\n\r\nHTTP.*plainHTTP.*5\r\nshort\r\n0\r\n\r\nHTTP.*plain$/s);
});

test.each([['GET', 204], ['GET', 205], ['GET', 304], ['HEAD', 200]])('%s with status %i has no parts, and its handler is told so', async (method, status) => {
  const steps = new Steps();
  await serve({ GETEventsHandler: steps.handler });
  const answer = ask('Events', { method });
  const call = await steps.began();
  call.begin(status);
  expect((await answer).statusCode).toBe(status);
  await until(() => call.isGone);
  expect(await call.write('lost')).toBe(false);
  const parts: Buffer[] = [];
  for await (const part of await answer) parts.push(part as Buffer);
  expect(parts).toEqual([]);
  steps.end();
  await until(() => instance.calls.size === 0 && call.exchange.isSettled);
});

test('a client of HTTP/1.0 gets the parts as they are, and the end of the connection as their end', async () => {
  const steps = new Steps();
  await serve({ GETEventsHandler: steps.handler });
  const { text, isOver, error } = raw(get('Events', '1.0'));
  const call = await steps.began();
  call.begin();
  await call.write('one');
  await until(() => text().endsWith('\r\n\r\none'));
  await call.write('two');
  steps.end();
  await until(isOver);
  expect([text().split('\r\n\r\n')[1], error()]).toEqual(['onetwo', undefined]);
});

test('and one that is broken off as a connection that is reset', async () => {
  const steps = new Steps();
  await serve({ GETEventsHandler: steps.handler });
  const { text, isOver, error } = raw(get('Events', '1.0'));
  const call = await steps.began();
  call.begin();
  await call.write('one');
  await until(() => text().endsWith('one'));
  call.exchange.fail(new DlserveError('STREAM_BROKEN', { symbol: 'GETEventsHandler' }));
  await until(isOver);
  expect(error()).toBe('ECONNRESET');
});

test('what was written before a reply breaks off arrives, and no last chunk', async () => {
  const steps = new Steps();
  await serve({ GETEventsHandler: steps.handler });
  const { socket, text, isOver } = raw(get('Events'));
  const call = await steps.began();
  socket.pause();
  call.begin();
  const part = 'x'.repeat(4_000_000);
  void call.write(part);
  call.exchange.fail(new DlserveError('STREAM_BROKEN', { symbol: 'GETEventsHandler' }));
  socket.resume();
  await until(isOver);
  expect(text().endsWith(`${part}\r\n`)).toBe(true);
});

test('one that breaks off behind another is cut when it is its turn', async () => {
  const [first, second] = [new Steps(), new Steps()];
  await serve({ GETFirstHandler: first.handler, GETSecondHandler: second.handler });
  const { text, isOver } = raw(get('First') + get('Second'));
  const call = await second.began();
  call.begin();
  await call.write('second');
  call.exchange.fail(new DlserveError('STREAM_BROKEN', { symbol: 'GETSecondHandler' }));
  (await first.began()).begin();
  await first.call.write('first');
  first.end();
  await until(isOver);
  expect(text()).toMatch(/first\r\n0\r\n\r\nHTTP.*second\r\n$/s);
});

test('a handler waits for a slow client: what is kept for it is bounded, counted, and given back', async () => {
  let written = 0;
  await serve({ GETManyHandler: async (call) => {
    call.begin();
    while (written < 64_000_000 && (await call.write(Buffer.alloc(64_000)))) written += 64_000;
    call.exchange.end();
  } });
  const { socket } = raw(get('Many'));
  socket.pause();
  const counted = jest.spyOn(served.budget, 'count');
  await until(() => counted.mock.calls.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const stopped = written;
  expect(stopped).toBeLessThan(32_000_000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(written).toBe(stopped);
  socket.resume();
  await until(() => written === 64_000_000);
  await until(() => served.budget.take(1e9));
});

test('a client that leaves is told to the handler, whatever it does just then', async () => {
  const [idle, stuck] = [new Steps(), new Steps()];
  await serve({ GETIdleHandler: idle.handler, GETStuckHandler: stuck.handler });
  for (const [func, steps] of [['Idle', idle], ['Stuck', stuck]] as const) {
    const { socket } = raw(get(func));
    const call = await steps.began();
    call.begin();
    await call.write('one');
    socket.pause();
    if (steps === stuck) {
      const blocked = (async () => {
        while (await call.write(Buffer.alloc(1_000_000)));
      })();
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.destroy();
      await blocked;
    } else {
      socket.destroy();
    }
    await until(() => call.isGone);
    expect([call.exchange.isAwaited, await call.write('more')]).toEqual([false, false]);
    steps.end();
    expect(call.exchange.isSettled).toBe(true);
  }
});

test('a client that reads nothing for too long is cut off', async () => {
  const steps = new Steps();
  await serve({ GETManyHandler: steps.handler }, { writeTimeout: 200 });
  const { socket } = raw(get('Many'));
  socket.pause();
  const call = await steps.began();
  call.begin();
  while (await call.write(Buffer.alloc(1_000_000)));
  expect(call.isGone).toBe(true);
  steps.end();
});

test('one that is idle for longer than that is not: there is nothing to read', async () => {
  const steps = new Steps();
  await serve({ GETIdleHandler: steps.handler }, { writeTimeout: 50 });
  const { text } = raw(get('Idle'));
  const call = await steps.began();
  call.begin();
  await call.write('one');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await call.write('two');
  steps.end();
  await until(() => text().endsWith('two\r\n0\r\n\r\n'));
});

describe('the time between parts', () => {
  test('ends a reply whose handler lets more of it pass', async () => {
    const steps = new Steps();
    await serve({ GETSlowHandler: steps.handler }, { settings: { timeout: 30_000, partTimeout: 100 } });
    const { text, isOver } = raw(get('Slow'));
    const call = await steps.began();
    call.begin();
    await call.write('one');
    await until(isOver);
    expect([text().endsWith('one\r\n'), instance.expired.length, call.exchange.isSettled]).toEqual([true, 1, true]);
    steps.end();
  });

  test('does not pass while the handler waits for its client', async () => {
    let blocked = 0;
    await serve({ GETManyHandler: async (call) => {
      call.begin();
      for (let i = 0; i < 40; i++) {
        const since = performance.now();
        if (!(await call.write(Buffer.alloc(1_000_000)))) return;
        blocked = Math.max(blocked, performance.now() - since);
      }
      call.exchange.end();
    } }, { settings: { timeout: 30_000, partTimeout: 100 } });
    const answer = await ask('Many');
    answer.pause();
    await new Promise((resolve) => setTimeout(resolve, 500));
    let read = 0;
    for await (const part of answer) read += (part as Buffer).length;
    expect([read, blocked > 200, instance.expired]).toEqual([40_000_000, true, []]);
  });

  test('is without a limit where that is 0, but for one that nobody waits for', async () => {
    const steps = new Steps();
    await serve({ GETSlowHandler: steps.handler }, { settings: { timeout: 200, partTimeout: 0 } });
    const { socket, text } = raw(get('Slow'));
    const call = await steps.began();
    call.begin();
    await call.write('one');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await call.write('two');
    await until(() => text().endsWith('two\r\n'));
    expect(instance.expired).toEqual([]);
    socket.destroy();
    await until(() => instance.expired.length === 1);
    steps.end();
  });
});

describe('HTTP/2', () => {
  const http2 = async (functions: Record<string, StreamHandler>): Promise<{ origin: string; close: () => void }> => {
    await serve(functions);
    const server = createHttp2Server();
    const { endpoint } = served;
    server.on('request', (req, res) => endpoint.handle(req, res, req.url));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
  };

  test('carries parts at once; a reply that breaks off, and a client that leaves, end their stream alone', async () => {
    const [first, second, third] = [new Steps(), new Steps(), new Steps()];
    const { origin, close } = await http2({ GETFirstHandler: first.handler, GETSecondHandler: second.handler, GETThirdHandler: third.handler });
    const client = connectHttp2(origin);
    const open = (func: string): { stream: ReturnType<typeof client.request>; text: () => string } => {
      const stream = client.request({ ':path': `/_PLUGIN/test/${func}` });
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => undefined);
      return { stream, text: () => text };
    };
    const [a, b, c] = [open('First'), open('Second'), open('Third')];
    for (const steps of [first, second, third]) {
      const call = await steps.began();
      call.begin();
      await call.write('one');
    }
    await until(() => [a, b, c].every(({ text }) => text() === 'one'));
    first.call.exchange.fail(new DlserveError('STREAM_BROKEN', { symbol: 'GETFirstHandler' }));
    await until(() => a.stream.closed);
    expect(a.stream.rstCode).toBe(2);
    b.stream.close(8);
    await until(() => second.call.isGone);
    await third.call.write('two');
    third.end();
    await until(() => c.stream.closed);
    expect([c.text(), c.stream.rstCode]).toEqual(['onetwo', 0]);
    client.close();
    close();
  });
});

test('middleware that compresses is told to let each part go', async () => {
  const steps = new Steps();
  await serve({ GETEventsHandler: steps.handler }, { wrap: (endpoint) => (req, res) => {
    // As the package compression does it.
    const gzip = createGzip();
    const [write, end, on] = [res.write.bind(res), res.end.bind(res), res.on.bind(res)];
    res.setHeader('Content-Encoding', 'gzip');
    gzip.on('data', (part: Buffer) => void write(part)).on('end', () => void end());
    Object.assign(res, {
      write: (part: Buffer) => gzip.write(part),
      end: () => gzip.end(),
      on: (name: string, listener: () => void) => (name === 'drain' ? gzip.on(name, listener) : on(name, listener)),
      flush: () => gzip.flush(constants.Z_SYNC_FLUSH),
    });
    endpoint.handle(req, res, req.url!);
  } });
  const answer = ask('Events');
  const call = await steps.began();
  call.begin();
  await call.write('one');
  let text = '';
  (await answer).pipe(createGunzip()).on('data', (part: Buffer) => (text += part.toString()));
  await until(() => text === 'one');
  await call.write('two');
  await until(() => text === 'onetwo');
  steps.end();
});
