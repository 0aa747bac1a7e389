import type { Exchange } from '../../src/plugin/exchange';
import type { Fault } from '../../src/plugin/fault';
import type { Instance } from '../../src/plugin/runtime';
import type { Services } from '../../src/plugin/services';
import { callHandler, textOf } from '../support/runtime';
import { callStream, over, StreamClient } from '../support/stream';
import { until } from '../support/until';

/** Opens a fixture. */
export type Open = (fixture: string, symbols: readonly string[], services?: Services, faults?: Fault[]) => Promise<Instance>;

const MB = 1024 * 1024;

/**
 * Registers those of the tests of {@link streams} in which a handler asks, logs, and keeps its reply.
 * @param holds see StreamsOptions
 */
export function talks(open: Open, holds: boolean): void {
  describe('a question to the host', () => {
    const asked: unknown[] = [];
    const services: Services = {
      ask: (exchange, service, params) => {
        asked.push([exchange.handler.symbol, service, params]);
        if (service === 'next') return Promise.resolve({ isOk: true, json: String(Number(params) + 1) });
        return Promise.resolve(JSON.parse(params) === null ? { isOk: false, json: '{"code":"NOTHING"}' } : { isOk: true, json: params });
      },
      log: () => undefined,
    };
    const ask = async (plugin: Instance, body?: string): Promise<string> => {
      const client = new StreamClient();
      callStream(plugin, 'POSTAskHandler', client, body === undefined ? {} : { body: Buffer.from(body) });
      await over(client);
      return client.whole!.body.toString();
    };
    beforeEach(() => void asked.splice(0));

    it('is answered, or fails with words', async () => {
      const plugin = await open('asks.c', ['POSTAskHandler'], services);
      expect(await ask(plugin, '{"a":["grüß",1]}')).toBe('0 {"a":["grüß",1]}');
      expect(await ask(plugin)).toBe('-4 {"code":"NOTHING"}');
      expect(asked).toEqual([['POSTAskHandler', 'sérvice', '{"a":["grüß",1]}'], ['POSTAskHandler', 'sérvice', 'null']]);
    });

    it('may be large, and so its answer', async () => {
      const plugin = await open('asks.c', ['POSTAskHandler'], services);
      const params = JSON.stringify('x'.repeat(2 * MB));
      expect(await ask(plugin, params)).toBe(`0 ${params}`);
    });

    it('may follow another one', async () => {
      const plugin = await open('asks.c', ['GETAskManyHandler'], services);
      expect(textOf(await callHandler(plugin, 0))).toBe('0 100');
    });

    it('gives way to the deadline, and its answer is lost on the next one', async () => {
      const faults: Fault[] = [];
      const late: ((answer: { isOk: boolean; json: string }) => void)[] = [];
      const slow: Services = { ask: () => new Promise((resolve) => late.push(resolve)), log: () => undefined };
      const plugin = await open('asks.c', ['POSTAskHandler'], slow, faults);
      const client = new StreamClient();
      callStream(plugin, 'POSTAskHandler', client, { timeout: 100, body: Buffer.from('1') });
      await over(client);
      expect(client.error?.code).toBe('TIMEOUT');
      if (holds) {
        await until(() => plugin.outstanding === 0);
        expect(faults).toEqual([]);
      }
      const second = ask(plugin, '2');
      await until(() => late.length === 2);
      late[0]!({ isOk: true, json: '"late"' });
      late[1]!({ isOk: true, json: '"in time"' });
      expect(await second).toBe('0 "in time"');
    });
  });

  describe('a reply that is kept', () => {
    const SYMBOLS = ['GETKeepHandler', 'GETTellHandler', 'GETEndHandler', 'GETBreakHandler', 'GETThreadHandler', 'GETAtOnceHandler'];
    const lines: string[] = [];
    const services: Services = {
      ask: (_exchange, service, params) => Promise.resolve({ isOk: true, json: JSON.stringify([service, params]) }),
      log: (_exchange, _level, text) => void lines.push(text),
    };
    let plugin: Instance;
    beforeEach(async () => void (plugin = await open('keeps.c', SYMBOLS, services)));
    const tell = async (): Promise<string> => textOf(await callHandler(plugin, 1))!;

    const keep = async (): Promise<StreamClient & { exchange: Exchange }> => {
      const client = new StreamClient();
      const exchange = callStream(plugin, 'GETKeepHandler', client);
      await until(() => client.text === 'kept, ');
      return Object.assign(client, { exchange });
    };

    it('goes on without a thread, and ends when it is ended', async () => {
      const clients = await Promise.all(Array.from({ length: 20 }, keep));
      await until(() => plugin.outstanding === 0);
      expect([plugin.capacity, await tell()]).toEqual([1, '20 0']);
      expect(clients.map(({ isOver, head }) => [isOver, head?.status])).toEqual(clients.map(() => [false, 202]));
      await callHandler(plugin, 2);
      await until(() => clients.every(({ isOver }) => isOver));
      expect(clients.map(({ text, error }) => [text, error])).toEqual(clients.map(() => ['kept, told, ended', undefined]));
      expect([plugin.outstanding, plugin.pending(), await tell()]).toEqual([0, [], '0 0']);
    });

    it('may be broken off', async () => {
      const client = await keep();
      await callHandler(plugin, 3);
      await over(client);
      expect([client.text, client.error?.code]).toEqual(['kept, broken', 'STREAM_BROKEN']);
    });

    it('hears that its client has gone', async () => {
      const [stays, goes] = await Promise.all([keep(), keep()]);
      goes.exchange.abandon();
      expect(await tell()).toBe('2 1');
      await callHandler(plugin, 2);
      await until(() => plugin.pending().length === 0);
      expect(stays.text).toBe('kept, told, ended');
    });

    it('may ask and log from any thread', async () => {
      const clients = Array.from({ length: 50 }, () => new StreamClient());
      for (const client of clients) callStream(plugin, 'GETThreadHandler', client);
      await until(() => clients.every(({ isOver }) => isOver));
      expect(clients.map(({ text, error }) => [text, error])).toEqual(clients.map(() => ['["service","[1]"]', undefined]));
      expect(lines).toContain('from a thread');
      await until(() => plugin.outstanding === 0 && plugin.pending().length === 0);
    });

    it('may be ended before its handler has returned', async () => {
      const client = new StreamClient();
      callStream(plugin, 'GETAtOnceHandler', client);
      await over(client);
      expect([client.text, client.error, plugin.outstanding, plugin.pending()]).toEqual(['one, two', undefined, 0, []]);
    });

    it('is ended by PluginStop at the latest', async () => {
      const clients = await Promise.all([keep(), keep()]);
      await plugin.close(1000);
      await until(() => clients.every(({ isOver }) => isOver));
      expect([plugin.outstanding, plugin.pending()]).toEqual([0, []]);
    });
  });

  describe('a line for the log', () => {
    const lines: unknown[] = [];
    const services: Services = {
      ask: () => Promise.resolve({ isOk: false, json: '{}' }),
      log: ({ id }, level, text) => void lines.push([id, level, text]),
    };
    beforeEach(() => void lines.splice(0));

    it('has its level, its words and its call', async () => {
      const plugin = await open('asks.c', ['GETLogHandler'], services);
      expect(textOf(await callHandler(plugin, 0, { id: 'that-call' }))).toBe('logged');
      expect(lines).toEqual([['that-call', 1, 'a line, grüß'], ['that-call', 3, '']]);
    });

    it('is counted where there are too many', async () => {
      const plugin = await open('asks.c', ['GETLogFloodHandler'], services);
      expect(textOf(await callHandler(plugin, 0))).toBe('logged');
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.length).toBeLessThan(100_000);
    });
  });
}
