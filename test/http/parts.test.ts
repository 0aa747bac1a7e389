import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DlserveError } from '../../src/ground/errors';
import { Budget } from '../../src/http/body-budget';
import { readHeaders } from '../../src/http/headers';
import { Visit } from '../../src/http/visit';
import { TimeLimits } from '../../src/plugin/deadline';
import { Exchange } from '../../src/plugin/exchange';
import { handlersNamed, silentLog, testRequest } from '../support/runtime';
import { until } from '../support/until';

let server: Server;
let exchange: Exchange | undefined;

beforeEach(async () => {
  exchange = undefined;
  const rules = { log: silentLog(), budget: new Budget(1e9), bodyLimit: 1e6, writeTimeout: 0 };
  const handler = handlersNamed(['GETTestHandler']).get('Test')!.get('GET')!;
  const callee = { call: () => undefined, begunAt: () => undefined, expire: () => undefined, withdraw: () => false };
  server = createServer((req, res) => {
    const visit = new Visit(req, res, readHeaders(req.rawHeaders), undefined, rules);
    visit.enter(() => {
      exchange = visit.exchange = new Exchange(testRequest(), handler, null, new TimeLimits({ timeout: 30_000, queueTimeout: 30_000 }, undefined), 'id', visit);
      exchange.enter(callee, { left: () => undefined });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const ask = async (): Promise<IncomingMessage> => {
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, resolve).on('error', reject);
  });
  await until(() => exchange !== undefined);
  exchange!.begin({ status: 201, headers: 'Content-Type: text/plain' });
  exchange!.write(Buffer.from('first '), () => undefined);
  return response;
};

test('the first part arrives while the rest is not there', async () => {
  const response = await ask();
  const received: string[] = [];
  response.on('data', (chunk: Buffer) => received.push(chunk.toString()));
  await until(() => received.join('') === 'first ');
  exchange!.write(Buffer.from('second'), () => undefined);
  exchange!.end();
  await until(() => response.complete);
  expect([response.statusCode, response.headers['content-type'], received.join('')]).toEqual([201, 'text/plain', 'first second']);
});

test('a failure between parts shows: the answer is not complete', async () => {
  const response = await ask();
  const ended = new Promise((resolve) => response.resume().on('close', resolve).on('error', () => undefined));
  exchange!.fail(new DlserveError('PLUGIN_CRASHED', { plugin: 'test', symbol: 'GETTestHandler', reason: 'here' }));
  await ended;
  expect(response.complete).toBe(false);
});

test('a slow client holds up who writes, until it reads', async () => {
  const response = await ask();
  response.pause();
  const part = Buffer.alloc(1024 * 1024);
  let drained = 0;
  while (exchange!.write(part, () => drained++)) await new Promise(setImmediate);
  expect(drained).toBe(0);
  response.resume();
  await until(() => drained === 1);
});

test('a client that leaves holds nobody up', async () => {
  const response = await ask();
  response.pause();
  let drained = 0;
  while (exchange!.write(Buffer.alloc(1024 * 1024), () => drained++)) await new Promise(setImmediate);
  response.destroy();
  await until(() => drained === 1);
  expect(exchange!.write(Buffer.alloc(1), () => undefined)).toBe(true);
});
