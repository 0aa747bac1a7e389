import { createPluginHost } from '../../../src';
import { until } from '../../support/until';
import { asker, finish, serve, type Served } from './support';

const MB = 1024 * 1024;
let served: Served;
afterEach(() => served.host.close(5000));

test('what is not there is named, with the one that was probably meant', async () => {
  served = serve([], { services: { mail: () => undefined } });
  expect(await served.ask('stat', {})).toEqual({ error: 'UNKNOWN_SERVICE', message: 'there is no service "stat": did you mean state?' });
  expect(await served.ask('mial', {})).toEqual({ error: 'UNKNOWN_SERVICE', message: 'there is no service "mial": did you mean mail?' });
  expect(await served.ask('constructor', {})).toMatchObject({ error: 'UNKNOWN_SERVICE' });
});

test('params that are no JSON are refused', async () => {
  served = serve([], { services: { mail: (params) => params } });
  for (const params of ['', '{', 'undefined', '{"a":1}x']) {
    const { isOk, json } = await served.services.ask(asker(), 'mail', params);
    expect([isOk, JSON.parse(json)]).toEqual([false, { code: 'BAD_PARAMS', message: 'mail: params must be JSON' }]);
  }
});

test('config is what PluginInit gets', async () => {
  served = serve([], { plugin: { asker: { config: { greeting: 'hi', deep: { n: [1, 2] } } } } });
  expect(await served.ask('config', null)).toEqual({ greeting: 'hi', deep: { n: [1, 2] } });
  expect(await served.ask('config', null, asker('other'))).toEqual({});
});

describe('a service of the program', () => {
  test('is told what was asked, and by whom', async () => {
    const seen: unknown[] = [];
    served = serve([], {
      services: {
        mail: async (params, { signal, deadline, ...context }) => {
          await Promise.resolve();
          seen.push(params, context, signal.aborted, Math.abs(deadline - Date.now() - 30_000) < 5000);
          return { sent: 1 };
        },
      },
    });
    expect(await served.ask('mail', { to: ['ada'] })).toEqual({ sent: 1 });
    expect(seen).toEqual([{ to: ['ada'] }, { plugin: 'asker', handler: 'GETAskHandler', requestId: 'request-1' }, false, true]);
  });

  test('may give nothing, and need not be asynchronous', async () => {
    served = serve([], { services: { nothing: () => undefined, seven: () => 7, function: () => () => 1 } });
    expect(await served.ask('nothing', null)).toBeNull();
    expect(await served.ask('seven', null)).toBe(7);
    expect(await served.ask('function', null)).toBeNull();
  });

  test('that throws is an error of its code, and is logged', async () => {
    served = serve([], {
      services: {
        refuses: () => {
          throw Object.assign(new Error('no such person'), { code: 'NO_PERSON' });
        },
        fails: () => Promise.reject(new Error('the mail server is away')),
        throwsNothing: () => {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- a program may
          throw undefined;
        },
        circular: () => {
          const circle: Record<string, unknown> = {};
          circle.circle = circle;
          return circle;
        },
      },
    });
    expect(await served.ask('refuses', null)).toEqual({ error: 'NO_PERSON', message: 'no such person' });
    expect(await served.ask('fails', null)).toEqual({ error: 'SERVICE_FAILED', message: 'fails failed: the mail server is away' });
    expect(await served.ask('throwsNothing', null)).toMatchObject({ error: 'SERVICE_FAILED' });
    expect(await served.ask('circular', null)).toMatchObject({ error: 'SERVICE_FAILED' });
    const about = { level: 50, plugin: 'asker', handler: 'GETAskHandler', request: 'request-1' };
    expect(served.lines.slice(0, 2)).toMatchObject([{ ...about, service: 'refuses' }, { ...about, service: 'fails', msg: 'the service fails failed: the mail server is away' }]);
    expect(served.lines).toHaveLength(4);
  });

  test.each([
    ['ends', () => asker(), finish],
    ['has had its time', () => asker(), (exchange: ReturnType<typeof asker>) => exchange.fail(exchange.limits.exceeded('GETAskHandler', 'asker'))],
  ])('hears when the call that asks %s', async (_, make, end) => {
    let isAborted = false;
    served = serve([], { services: { slow: (_params, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => {
      isAborted = true;
      reject(new Error('aborted'));
    })) } });
    const exchange = make();
    const answer = served.ask('slow', null, exchange);
    expect(isAborted).toBe(false);
    end(exchange);
    expect(await answer).toEqual({ error: 'GONE', message: 'the call that asked is over' });
    expect(isAborted).toBe(true);
    expect(await served.ask('slow', null, exchange)).toMatchObject({ error: 'GONE' });
  });

  test('takes and gives no more than 16 MiB', async () => {
    served = serve([], { services: { length: (params) => (params as string).length, text: (params) => 'x'.repeat(params as number) } });
    const ask = (service: string, params: unknown): Promise<unknown> => served.ask(service, params);
    expect(await ask('length', 'x'.repeat(16 * MB - 2))).toBe(16 * MB - 2);
    expect(await ask('length', 'x'.repeat(16 * MB))).toMatchObject({ error: 'TOO_LARGE' });
    expect(await ask('length', 'ü'.repeat(9 * MB))).toMatchObject({ error: 'TOO_LARGE' });
    expect(await ask('text', 16 * MB)).toMatchObject({ error: 'TOO_LARGE' });
  });

  test.each([
    [{ state: () => 1 }, `options.services: "state" is a service of dlserve's own: choose another name`],
    [{ log: () => 1 }, `options.services: "log" is a service of dlserve's own: choose another name`],
    [{ 'no name': () => 1 }, /"no name" can't be a name/],
    [{ mail: 'x' }, 'options.services: mail must be a function, not "x"'],
    [[], undefined],
    [7, 'options.services: an object of functions is wanted, not 7'],
  ])('%j', async (services, message) => {
    served = serve();
    const creating = createPluginHost({ pluginpath: '.', services: services as never }).then((host) => host.close());
    if (message === undefined) await creating;
    else await expect(creating).rejects.toMatchObject({ code: 'BAD_CONFIG', message: expect.stringMatching(message) as unknown });
  });
});

describe('the log', () => {
  test('has lines of plugins with what they are about', () => {
    served = serve();
    const exchange = asker();
    for (const level of [-5, 0, 1, 2, 3, 9, NaN]) served.services.log(exchange, level, `level ${level}`);
    const about = { plugin: 'asker', handler: 'GETAskHandler', request: 'request-1' };
    expect(served.lines).toEqual([20, 20, 30, 40, 50, 50, 30].map((level, i) => ({ level, ...about, msg: `level ${[-5, 0, 1, 2, 3, 9, NaN][i]}` })));
  });

  test('takes a limited number of them, and says how many it left out', async () => {
    served = serve();
    const exchange = asker();
    for (let i = 0; i < 1000; i++) served.services.log(exchange, 1, `line ${i}`);
    served.services.log(asker('other'), 1, 'of another');
    const told = await until(() => served.lines.find(({ leftOut }) => leftOut !== undefined));
    const written = served.lines.filter(({ msg }) => String(msg).startsWith('line')).length;
    expect(written).toBeGreaterThanOrEqual(200);
    expect(written).toBeLessThan(900);
    expect(told).toMatchObject({ plugin: 'asker', leftOut: 1000 - written });
    expect(served.lines.some(({ msg }) => msg === 'of another')).toBe(true);
  });

  test('cuts long lines', () => {
    served = serve();
    served.services.log(asker(), 1, 'x'.repeat(100_000));
    expect(served.lines[0]!.msg).toBe(`${'x'.repeat(8191)}…`);
  });
});
