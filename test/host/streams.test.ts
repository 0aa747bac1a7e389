import { get, type IncomingMessage } from 'node:http';
import { serveStreams, StreamInstance, type StreamCall, type StreamServer } from '../support/stream-instance';
import { until } from '../support/until';

let served: StreamServer;
let call: StreamCall;
let answer: IncomingMessage;

beforeEach(async () => {
  const instance = new StreamInstance({
    GETEventsHandler: async (one) => {
      call = one;
      one.begin();
      await one.write('one');
      // It does not return by itself.
      await new Promise(() => undefined);
    },
  });
  served = await serveStreams(instance);
  answer = await new Promise((resolve, reject) => get(`${served.url}/Events`, resolve).on('error', reject));
  answer.on('error', () => undefined).resume();
});
afterEach(() => served.close());

test('a stream of a generation that drains goes on, is told to end when its time is over, and is cut off later', async () => {
  const since = performance.now();
  const idle = served.slot.current!.idle(300, 200);
  expect(await call.write('two')).toBe(true);
  await until(() => call.isGone);
  expect(performance.now() - since).toBeGreaterThanOrEqual(290);
  expect([call.exchange.isAwaited, call.exchange.isSettled]).toEqual([false, false]);
  await idle;
  expect(performance.now() - since).toBeGreaterThanOrEqual(490);
  await until(() => answer.closed);
  expect([call.exchange.isSettled, answer.complete]).toEqual([true, false]);
});

test('one that ends by itself meanwhile is whole', async () => {
  const idle = served.slot.current!.idle(30_000, 30_000);
  call.exchange.end();
  await idle;
  await until(() => answer.complete);
});

test('one that ends because it was told to is not whole', async () => {
  served.slot.endStreams(100);
  await until(() => call.isGone);
  call.exchange.end();
  await until(() => answer.closed);
  expect(answer.complete).toBe(false);
});
