import type { BodySource } from '../../src/plugin/body-source';
import type { Fault } from '../../src/plugin/fault';
import type { Instance, Runtime } from '../../src/plugin/runtime';
import type { Services } from '../../src/plugin/services';
import { compileFixture } from '../support/compile';
import { callHandler, copyLibrary, pluginSource, textOf } from '../support/runtime';
import { callStream, over, StreamClient } from '../support/stream';
import { until } from '../support/until';
import { talks } from './talks';

const WRITES = [
  'GETCountHandler', 'GETFloodHandler', 'GETWrittenHandler', 'GETEmptyHandler', 'GETBreakHandler', 'GETWholeErrorHandler', 'GETBadStatusHandler',
  'GETIdleHandler', 'GETSilentHandler',
];
const MB = 1024 * 1024;

export interface StreamsOptions {
  /** A call that has had its time goes on, and is none of the plugin's faults where it waits for the host: its process is not ended. */
  readonly holds?: boolean;
}

/**
 * Registers the tests that every runtime must pass whose replies come in parts, and whose handlers may ask the host.
 * @param name of the runtime, for the report
 * @param createRuntime makes a fresh one
 * @param options in what the modes differ
 */
export function streams(name: string, createRuntime: () => Runtime, { holds = false }: StreamsOptions = {}): void {
  describe(`${name}: what a handler says while its call goes on`, () => {
    let runtime: Runtime;
    const opened: Instance[] = [];

    beforeAll(() => void (runtime = createRuntime()));
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((plugin) => plugin.close(5000)));
    });

    const open = async (fixture: string, symbols: readonly string[], services?: Services, faults: Fault[] = []): Promise<Instance> => {
      const source = pluginSource(copyLibrary(compileFixture(fixture)), {
        symbols,
        ...(services === undefined ? {} : { services }),
        observer: { resting: () => undefined, fault: (fault) => void faults.push(fault) },
      });
      const plugin = await runtime.open(source);
      opened.push(plugin);
      return plugin;
    };

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
        expect([client.text, client.error?.code]).toEqual(['half, ', 'STREAM_BROKEN']);
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

    describe('a body in parts', () => {
      const SYMBOLS = ['POSTStreamHandler', 'POSTLeaveHandler'];

      /** What reads.c says of bytes that it has read whole. */
      const told = (bytes: Buffer): string => {
        let sum = 0n;
        for (const byte of bytes) sum = BigInt.asUintN(64, sum * 31n + BigInt(byte));
        return `${bytes.length} ${sum.toString(16)} 0`;
      };

      const call = async (symbol: string, input: BodySource | undefined): Promise<StreamClient> => {
        const plugin = await open('reads.c', SYMBOLS);
        const client = new StreamClient();
        callStream(plugin, symbol, client, input === undefined ? {} : { input });
        await over(client);
        return client;
      };

      it('is read whole, in order, whatever the pieces', async () => {
        const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 7919) % 256));
        const sizes = [1, 0, 65_536, 3, 300_000];
        let at = 0;
        let turn = 0;
        const input = { next: () => Promise.resolve(at === bytes.length ? null : bytes.subarray(at, (at = Math.min(bytes.length, at + sizes[turn++ % sizes.length]!)))) };
        const client = await call('POSTStreamHandler', input);
        expect([client.whole?.status, client.whole?.body.toString()]).toEqual([200, told(bytes)]);
      });

      it('may be empty, and none', async () => {
        for (const input of [{ next: () => Promise.resolve(null) }, undefined]) {
          const client = await call('POSTStreamHandler', input);
          expect([client.whole?.status, client.whole?.body.toString()]).toEqual([200, '0 0 0']);
        }
      });

      it('is fetched no faster than it is read', async () => {
        let fetched = 0;
        const client = await call('POSTLeaveHandler', { next: () => Promise.resolve(Buffer.alloc(((fetched += 1000), 1000), 'x')) });
        expect(client.whole?.body.toString()).toBe('4');
        expect(fetched).toBeLessThan(2 * MB);
      });

      it('that breaks off says so', async () => {
        let turn = 0;
        const client = await call('POSTStreamHandler', {
          next: () => (turn++ === 0 ? Promise.resolve(Buffer.from('some')) : Promise.reject(new Error('its client has gone'))),
        });
        expect(client.whole?.body.toString()).toMatch(/^4 \w+ -1$/);
      });

      it('lets a handler go that waits for it when its client has gone', async () => {
        const plugin = await open('reads.c', SYMBOLS);
        const client = new StreamClient();
        let isWanted = false;
        const never = { next: (): Promise<null> => new Promise(() => (isWanted = true)) };
        const exchange = callStream(plugin, 'POSTStreamHandler', client, { input: never });
        await until(() => isWanted);
        exchange.abandon();
        await until(() => plugin.outstanding === 0);
      });
    });

    talks(open, holds);
  });
}
