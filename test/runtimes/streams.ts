import type { Instance, Runtime } from '../../src/plugin/runtime';
import type { Services } from '../../src/plugin/services';
import { compileFixture } from '../support/compile';
import { callHandler, copyLibrary, pluginSource, textOf } from '../support/runtime';
import { callStream, StreamClient } from '../support/stream';
import { until } from '../support/until';

const WRITES = [
  'GETCountHandler', 'GETFloodHandler', 'GETWrittenHandler', 'GETEmptyHandler', 'GETBreakHandler', 'GETWholeErrorHandler', 'GETBadStatusHandler',
  'GETIdleHandler', 'GETSilentHandler',
];
const MB = 1024 * 1024;

/**
 * Registers the tests that every runtime must pass whose replies come in parts, and whose handlers may ask the host.
 * @param name of the runtime, for the report
 * @param createRuntime makes a fresh one
 */
export function streams(name: string, createRuntime: () => Runtime): void {
  describe(`${name}: what a handler says while its call goes on`, () => {
    let runtime: Runtime;
    const opened: Instance[] = [];

    beforeAll(() => void (runtime = createRuntime()));
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((plugin) => plugin.close(5000)));
    });

    const open = async (fixture: string, symbols: readonly string[], services?: Services): Promise<Instance> => {
      const source = pluginSource(copyLibrary(compileFixture(fixture)), { symbols, ...(services === undefined ? {} : { services }) });
      const plugin = await runtime.open(source);
      opened.push(plugin);
      return plugin;
    };

    const over = (client: StreamClient): Promise<true> => until(() => client.isOver);

    describe('a reply in parts', () => {
      let plugin: Instance;
      const written = async (): Promise<string> => textOf(await callHandler(plugin, 2))!;
      beforeEach(async () => void (plugin = await open('writes.c', WRITES)));

      it('has status and headers of the moment of its first part, and comes in order and whole', async () => {
        const client = new StreamClient();
        callStream(plugin, 'GETCountHandler', client, { query: 'n=500' });
        await over(client);
        expect([client.head?.status, client.head?.headers, client.error]).toEqual([201, ['Content-Type', 'text/plain', 'X-Parts', 'yes'], undefined]);
        expect(client.text).toBe(`${Array.from({ length: 500 }, (_, i) => `part ${i}\n`).join('')}last`);
        expect(plugin.outstanding).toBe(0);
      });

      it('is one like any other where nothing is written', async () => {
        const client = new StreamClient();
        callStream(plugin, 'GETCountHandler', client, { query: 'n=0' });
        await over(client);
        expect([client.head, client.whole?.status, client.whole?.body.toString()]).toEqual([undefined, 201, 'last']);
      });

      it('may be empty', async () => {
        const client = new StreamClient();
        callStream(plugin, 'GETEmptyHandler', client);
        await over(client);
        expect([client.head?.status, client.text, client.error]).toEqual([200, '', undefined]);
      });

      it.each([['small', 100, 300_000], ['large', MB + 7, 20 * MB]])('is exact in %s parts', async (_, size, total) => {
        const client = new StreamClient();
        callStream(plugin, 'GETFloodHandler', client, { query: `size=${size}&total=${total}` });
        await over(client);
        const expected = Buffer.alloc(total);
        for (let i = 0; i < total; i++) expected[i] = i % 251;
        expect(Buffer.concat(client.parts).equals(expected)).toBe(true);
      });

      it('waits for a client that is slow, and goes on when it does', async () => {
        const client = new StreamClient();
        client.stall();
        callStream(plugin, 'GETFloodHandler', client, { query: `size=1000&total=${20 * MB}` });
        await until(() => client.length > 0);
        let last = '';
        // It has come to a stop when it says the same twice, some time apart.
        await until(async () => {
          const now = await written();
          const same = now === last;
          last = now;
          await new Promise((resolve) => setTimeout(resolve, 100));
          return same;
        });
        expect(Number(last.split(' ')[0])).toBeLessThan(2 * MB);
        client.goOn();
        await over(client);
        expect(client.length).toBe(20 * MB);
      });

      it.each(['GETFloodHandler', 'GETIdleHandler', 'GETSilentHandler'])('ends when its client has gone (%s)', async (symbol) => {
        const client = new StreamClient();
        client.stall();
        const exchange = callStream(plugin, symbol, client, { query: `size=1000&total=${1000 * MB}` });
        if (symbol !== 'GETSilentHandler') await until(() => client.length > 0);
        await until(() => plugin.begunAt(exchange) !== undefined);
        exchange.abandon();
        client.goOn();
        await until(() => plugin.outstanding === 0);
        expect(await written()).toMatch(/ 1$/);
      });

      it('breaks off for a status of 500 that comes after its first part', async () => {
        const client = new StreamClient();
        callStream(plugin, 'GETBreakHandler', client);
        await over(client);
        expect([client.text, client.error?.code]).toEqual(['half', 'STREAM_BROKEN']);
      });

      it('may be an error from the start', async () => {
        const client = new StreamClient();
        callStream(plugin, 'GETWholeErrorHandler', client);
        await over(client);
        expect([client.head?.status, client.text, client.error]).toEqual([503, 'half, whole', undefined]);
      });

      it('ends at once where its status is none', async () => {
        const client = new StreamClient();
        callStream(plugin, 'GETBadStatusHandler', client);
        await over(client);
        expect(client.error?.code).toBe('BAD_STATUS');
        await until(() => plugin.outstanding === 0);
        expect(await written()).toMatch(/ 1$/);
      });

      it('tells a handler that has had its time', async () => {
        const client = new StreamClient();
        callStream(plugin, 'GETSilentHandler', client, { timeout: 200 });
        await over(client);
        expect(client.error?.code).toBe('TIMEOUT');
        await until(() => plugin.outstanding === 0);
      });
    });
  });
}
