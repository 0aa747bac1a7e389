import { DlserveError } from '../../src/ground/errors';
import { Deadline, TimeLimits } from '../../src/plugin/deadline';
import { Exchange, type Callee } from '../../src/plugin/exchange';
import type { Recipient } from '../../src/plugin/recipient';
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
  /** When its calls have begun; undefined: they wait. */
  at: number | undefined = Infinity;
  /** What it finds when it is told to withdraw one; else what it says it is. */
  takes: boolean | undefined;

  call(): void {
    this.seen.push('call');
  }

  begunAt(): number | undefined {
    return this.at;
  }

  expire(): void {
    this.seen.push('expire');
  }

  withdraw(): boolean {
    this.seen.push('withdraw');
    return this.takes ?? this.at === undefined;
  }
}

const GOOD = { status: -1, body: 'yes', headers: null };

interface Given {
  readonly timeout?: number;
  readonly queueTimeout?: number;
  readonly partTimeout?: number;
  /** The client's. */
  readonly own?: number;
  readonly at?: number | undefined;
  readonly body?: Buffer;
}

function enter({ timeout = 30_000, queueTimeout = timeout, partTimeout, own, body, ...keeping }: Given = {}): { exchange: Exchange; listener: Listener; keeper: Keeper; left: () => number } {
  const listener = new Listener();
  const keeper = Object.assign(new Keeper(), keeping);
  const handler = handlersNamed(['GETTestHandler']).get('Test')!.get('GET')!;
  const exchange = new Exchange(testRequest(), handler, body ?? null, new TimeLimits({ timeout, queueTimeout, partTimeout }, own === undefined ? undefined : Deadline.after(own)), 'id', listener);
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
  exchange.skip();
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

test('a call that has had its time in the handler fails, and the instance is told; what comes later is not heard', async () => {
  const { exchange, listener, keeper } = enter({ timeout: 20, queueTimeout: 10 });
  await until(() => exchange.isSettled);
  exchange.reply(GOOD);
  expect([listener.heard, keeper.seen]).toEqual([['fail TIMEOUT'], ['call', 'expire']]);
});

test('its time counts from when it began, however long it has waited', async () => {
  const { exchange, listener, keeper } = enter({ timeout: 50, queueTimeout: 5000, at: undefined });
  const looks = jest.spyOn(keeper, 'begunAt');
  await until(() => looks.mock.calls.length > 2);
  expect([exchange.isSettled, keeper.seen]).toEqual([false, ['call']]);
  const began = (keeper.at = performance.now());
  await until(() => exchange.isSettled);
  expect(performance.now() - began).toBeGreaterThanOrEqual(50);
  expect([listener.heard, keeper.seen]).toEqual([['fail TIMEOUT'], ['call', 'expire']]);
});

test('one that has not begun in time is dropped', async () => {
  const { exchange, listener, keeper } = enter({ timeout: 5000, queueTimeout: 20, at: undefined });
  await until(() => exchange.isSettled);
  expect([listener.heard, keeper.seen]).toEqual([['fail QUEUE_TIMEOUT'], ['call', 'withdraw']]);
});

test('one that was taken at that very moment goes on, unless it turns out to be skipped', async () => {
  const { exchange, listener, keeper } = enter({ timeout: 5000, queueTimeout: 20, at: undefined });
  keeper.takes = false;
  await until(() => keeper.seen.includes('withdraw'));
  expect(exchange.isSettled).toBe(false);
  exchange.skip();
  expect([listener.heard, keeper.seen]).toEqual([['fail QUEUE_TIMEOUT'], ['call', 'withdraw']]);
});

describe("a client's deadline", () => {
  test('drops a call that waits', async () => {
    const { exchange, listener, keeper } = enter({ own: 20, at: undefined });
    await until(() => exchange.isSettled);
    expect([listener.heard, keeper.seen]).toEqual([['fail TIMEOUT'], ['call', 'withdraw']]);
  });

  test('answers one that has begun, which goes on; its end ends the watch', async () => {
    const { exchange, listener, keeper, left } = enter({ own: 20 });
    await until(() => exchange.isSettled);
    expect([listener.heard, keeper.seen, left()]).toEqual([['fail TIMEOUT'], ['call', 'withdraw'], 1]);
    expect(exchange.place).toBeGreaterThanOrEqual(0);
    exchange.reply(GOOD);
    expect([listener.heard, exchange.place, left()]).toEqual([['fail TIMEOUT'], -1, 1]);
  });

  test('does not lengthen the time that it has', async () => {
    const { exchange, listener, keeper } = enter({ own: 20, timeout: 60 });
    await until(() => exchange.isSettled);
    expect(keeper.seen).toEqual(['call', 'withdraw']);
    await until(() => keeper.seen.includes('expire'));
    expect(performance.now() - exchange.limits.arrival).toBeGreaterThanOrEqual(60);
    expect([listener.heard, exchange.place]).toEqual([['fail TIMEOUT'], -1]);
  });
});

describe('a call that comes back from where it was', () => {
  const asked = async ({ keeper, exchange }: { keeper: Keeper; exchange: Exchange }): Promise<void> => {
    const looks = jest.spyOn(keeper, 'begunAt');
    await until(() => looks.mock.calls.length > 0);
    expect(exchange.isSettled).toBe(false);
  };

  test('has not begun, whatever was said before', async () => {
    const given = enter({ timeout: 5000, queueTimeout: 20 });
    await asked(given);
    given.keeper.at = undefined;
    given.exchange.waitAgain();
    await until(() => given.exchange.isSettled);
    expect([given.listener.heard, given.keeper.seen]).toEqual([['fail QUEUE_TIMEOUT'], ['call', 'withdraw']]);
  });

  test('to be made again has its whole time', async () => {
    const given = enter({ timeout: 100, queueTimeout: 20 });
    await asked(given);
    given.exchange.beginAgain();
    const again = performance.now();
    await until(() => given.exchange.isSettled);
    expect(performance.now() - again).toBeGreaterThanOrEqual(100);
    expect([given.listener.heard, given.keeper.seen]).toEqual([['fail TIMEOUT'], ['call', 'expire']]);
  });

  test('and goes to another instance is watched once', async () => {
    const before = enter();
    const moved = enter({ timeout: 20 });
    const next = new Keeper();
    moved.exchange.enter(next, { left: () => undefined });
    moved.exchange.reply(GOOD);
    before.exchange.reply(GOOD);
    const after = enter({ timeout: 40 });
    await until(() => after.exchange.isSettled);
    expect([moved.exchange.place, moved.keeper.seen, next.seen]).toEqual([-1, ['call'], ['call']]);
  });
});

test.each([['long ago', -1e9], ['never', NaN], ['tomorrow', 1e12]])('an instance that says that a call began %s has it end all the same', async (_, at) => {
  const { exchange, keeper } = enter({ timeout: 30, queueTimeout: 20, at });
  await until(() => keeper.seen.includes('expire'));
  expect(performance.now() - exchange.limits.arrival).toBeGreaterThanOrEqual(30);
});

test('the call of a client that has left is watched until it has had its time', async () => {
  const { exchange, keeper } = enter({ timeout: 30 });
  exchange.abandon();
  await until(() => keeper.seen.includes('expire'));
  expect(keeper.seen).toEqual(['call', 'withdraw', 'expire']);
});

test('one that was skipped since nobody waits for it is no failure', () => {
  const { exchange, listener } = enter();
  exchange.abandon();
  exchange.skip();
  expect(listener.heard).toEqual(['dropped']);
});

test('abandoned, it is dropped if it has not begun, and else goes on', () => {
  const waiting = enter();
  waiting.keeper.at = undefined;
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

test('the limits are met with the first part, and a failure behind it breaks the reply off', async () => {
  const { exchange, listener, keeper } = enter({ timeout: 30, partTimeout: 0 });
  exchange.begin({ status: -1, headers: null });
  await new Promise((resolve) => setTimeout(resolve, 60));
  exchange.fail(new DlserveError('STOPPING'));
  expect(listener.heard).toEqual(['begin 200 Content-Type application/json; charset=utf-8', 'fail STOPPING']);
  expect(keeper.seen).toEqual(['call']);
});

describe('between parts', () => {
  const begun = (given: Given): ReturnType<typeof enter> => {
    const entered = enter(given);
    entered.exchange.begin({ status: -1, headers: null });
    return entered;
  };
  const heard = 'begin 200 Content-Type application/json; charset=utf-8';

  test('the handler has as long as in all, unless it is said otherwise; each part begins it anew', async () => {
    const { exchange, listener, keeper } = begun({ timeout: 60 });
    const parts = 10;
    for (let i = 0; i < parts; i++) {
      await new Promise((resolve) => setTimeout(resolve, 12));
      exchange.write(Buffer.from('x'), () => undefined);
    }
    await until(() => exchange.isSettled);
    expect(listener.heard).toEqual([heard, ...Array<string>(parts).fill('part x'), 'fail TIMEOUT']);
    expect(keeper.seen).toEqual(['call', 'expire']);
  });

  test('no time passes while it waits for its client', async () => {
    const { exchange, listener } = begun({ partTimeout: 30 });
    listener.isFull = true;
    exchange.write(Buffer.from('x'), () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(exchange.isSettled).toBe(false);
    listener.drained!();
    await until(() => exchange.isSettled);
    expect(listener.heard.at(-1)).toBe('fail TIMEOUT');
  });

  test('a client that leaves is told to the instance, and what the handler then leaves undone is no failure', () => {
    const { exchange, listener, keeper, left } = begun({});
    exchange.abandon();
    exchange.abandon();
    expect([exchange.isAwaited, keeper.seen]).toEqual([false, ['call', 'withdraw']]);
    exchange.fail(new DlserveError('STREAM_BROKEN', { symbol: 'GETTestHandler' }));
    expect([listener.heard, left()]).toEqual([[heard, 'dropped'], 1]);
  });

  test('one that is cancelled breaks off at its end; one that has not begun is left alone', () => {
    const { exchange, listener, keeper } = begun({});
    expect(exchange.cancel()).toBe(true);
    expect([exchange.isAwaited, exchange.isSettled, keeper.seen]).toEqual([false, false, ['call', 'withdraw']]);
    exchange.end();
    expect(listener.heard).toEqual([heard, 'fail STOPPING']);
    const waiting = enter({ at: undefined });
    expect([waiting.exchange.cancel(), waiting.keeper.seen, waiting.exchange.isAwaited]).toEqual([false, ['call'], true]);
  });
});

test('a handler that takes its body in parts has its time from one to the next, and none passes while it waits for the client', async () => {
  const { exchange, keeper } = enter({ timeout: 5000 });
  expect(exchange.isWhole).toBe(true);
  exchange.reply(GOOD);
  let give!: (part: Buffer | null) => void;
  const listener = new Listener();
  const reading = new Exchange(testRequest(), exchange.handler, null, new TimeLimits({ timeout: 60, queueTimeout: 60 }, undefined), 'id', listener);
  reading.input = { next: () => new Promise((resolve) => (give = resolve)) };
  reading.enter(keeper, { left: () => undefined });
  expect(reading.isWhole).toBe(false);
  for (let i = 0; i < 3; i++) {
    const next = reading.input.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    give(Buffer.from('x'));
    expect((await next)?.toString()).toBe('x');
  }
  expect(listener.heard).toEqual([]);
  await until(() => reading.isSettled);
  expect(listener.heard).toEqual(['fail TIMEOUT']);
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
  const { exchange } = enter({ body: Buffer.from('body') });
  const { text } = exchange;
  expect([text.endsWith('"body":'), exchange.body?.toString()]).toEqual([true, 'body']);
  exchange.dropBody();
  expect([exchange.text === text, exchange.body]).toEqual([true, null]);
});

test('one that is watched by nobody is not watched because it begins again, or waits again', () => {
  const { exchange } = enter();
  exchange.beginAgain();
  expect(exchange.place).not.toBe(-1);
  exchange.reply(GOOD);
  exchange.beginAgain();
  expect(exchange.place).toBe(-1);
});
