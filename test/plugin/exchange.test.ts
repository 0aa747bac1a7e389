import { DlserveError } from '../../src/ground/errors';
import { Deadline } from '../../src/plugin/deadline';
import { Exchange, type Callee, type Recipient } from '../../src/plugin/exchange';
import { handlersNamed, testRequest } from '../support/runtime';
import { until } from '../support/until';

/** Hears what an exchange says. */
class Listener implements Recipient {
  readonly heard: string[] = [];
  isFull = false;
  drained: (() => void) | undefined;

  reply({ status, body }: Parameters<Recipient['reply']>[0]): void {
    this.heard.push(`reply ${status} ${body.toString()}`);
  }

  fail({ code }: DlserveError): void {
    this.heard.push(`fail ${code}`);
  }

  begin({ status, headers }: Parameters<Recipient['begin']>[0]): void {
    this.heard.push(`begin ${status} ${headers.join(' ')}`);
  }

  write(part: Buffer, drained: () => void): boolean {
    this.heard.push(`part ${part.toString()}`);
    this.drained = drained;
    return !this.isFull;
  }

  end(): void {
    this.heard.push('end');
  }

  dropped(): void {
    this.heard.push('dropped');
  }
}

/** An instance that keeps what it is given. */
class Keeper implements Callee {
  readonly seen: string[] = [];
  hasBegun = true;

  call(): void {
    this.seen.push('call');
  }

  expire(): void {
    this.seen.push('expire');
  }

  withdraw(): boolean {
    this.seen.push('withdraw');
    return !this.hasBegun;
  }
}

const GOOD = { status: -1, body: 'yes', headers: null };

function enter(limit = 30_000, body: Buffer | null = null): { exchange: Exchange; listener: Listener; keeper: Keeper; left: () => number } {
  const listener = new Listener();
  const keeper = new Keeper();
  const handler = handlersNamed(['GETTestHandler']).get('Test')!.get('GET')!;
  const exchange = new Exchange(testRequest(), handler, body, Deadline.after(limit), 'id', listener);
  let left = 0;
  exchange.enter(keeper, { left: () => left++ });
  return { exchange, listener, keeper, left: () => left };
}

test('an exchange is settled once, by a reply', () => {
  const { exchange, listener, left } = enter();
  expect([exchange.isSettled, left()]).toEqual([false, 0]);
  exchange.reply(GOOD);
  exchange.reply(GOOD);
  exchange.fail(new DlserveError('STOPPING'));
  exchange.failLate();
  exchange.drop();
  exchange.abandon();
  expect([listener.heard, exchange.isSettled, left()]).toEqual([['reply 200 yes'], true, 1]);
});

test('a reply that is none becomes its error', () => {
  for (const [raw, code] of [
    [{ ...GOOD, status: 99 }, 'BAD_STATUS'],
    [{ ...GOOD, headers: 'no colon' }, 'BAD_HEADERS'],
    [{ ...GOOD, body: null }, 'NO_REPLY'],
  ] as const) {
    const { exchange, listener } = enter();
    exchange.reply(raw);
    expect(listener.heard).toEqual([`fail ${code}`]);
  }
});

test('at its deadline it fails, and the instance is told; what comes later is not heard', async () => {
  const { exchange, listener, keeper } = enter(20);
  await until(() => exchange.isSettled);
  expect(exchange.deadline.left).toBeLessThanOrEqual(0);
  exchange.reply(GOOD);
  expect([listener.heard, keeper.seen]).toEqual([['fail TIMEOUT'], ['call', 'expire']]);
});

test('abandoned, it is dropped if it has not begun, and else goes on', () => {
  const waiting = enter();
  waiting.keeper.hasBegun = false;
  waiting.exchange.abandon();
  expect([waiting.exchange.isSettled, waiting.listener.heard, waiting.left()]).toEqual([true, ['dropped'], 1]);
  const running = enter();
  running.exchange.abandon();
  expect(running.exchange.isSettled).toBe(false);
  running.exchange.reply(GOOD);
  expect(running.listener.heard).toEqual(['reply 200 yes']);
});

test('a reply may come in parts', () => {
  const { exchange, listener, left } = enter();
  exchange.begin({ status: 202, headers: 'X-A: b\nContent-Type: text/event-stream' });
  expect(exchange.write(Buffer.from('one'), () => undefined)).toBe(true);
  listener.isFull = true;
  const drained = jest.fn();
  expect(exchange.write(Buffer.from('two'), drained)).toBe(false);
  listener.drained?.();
  expect(drained).toHaveBeenCalledTimes(1);
  expect(left()).toBe(0);
  exchange.end();
  exchange.end();
  expect(listener.heard).toEqual(['begin 202 X-A b Content-Type text/event-stream', 'part one', 'part two', 'end']);
  expect([exchange.isSettled, left()]).toEqual([true, 1]);
});

test('the deadline is met with the first part, and a failure behind it breaks the reply off', async () => {
  const { exchange, listener, keeper } = enter(30);
  exchange.begin({ status: -1, headers: null });
  await new Promise((resolve) => setTimeout(resolve, 60));
  exchange.fail(new DlserveError('STOPPING'));
  expect(listener.heard).toEqual(['begin 200 Content-Type application/json; charset=utf-8', 'fail STOPPING']);
  expect(keeper.seen).toEqual(['call']);
});

test('parts that nobody has begun, or that nobody hears, are none', () => {
  const { exchange, listener } = enter();
  expect(exchange.write(Buffer.from('lost'), () => undefined)).toBe(true);
  exchange.end();
  expect([listener.heard, exchange.isSettled]).toEqual([[], false]);
  exchange.begin({ status: 1, headers: null });
  expect(listener.heard).toEqual(['fail BAD_STATUS']);
  expect(exchange.write(Buffer.from('late'), () => undefined)).toBe(true);
});

test('the text of the request is made once, and stays when the body is dropped', () => {
  const { exchange } = enter(1000, Buffer.from('body'));
  const { text } = exchange;
  expect([text.endsWith('"body":'), exchange.body?.toString()]).toEqual([true, 'body']);
  exchange.dropBody();
  expect([exchange.text === text, exchange.body]).toEqual([true, null]);
});
