import type { BodySource } from '../../../src/plugin/body-source';
import { BodyMode } from '../../../src/plugin/handlers';
import { compileFixture } from '../../support/compile';
import { until } from '../../support/until';
import { closeAll, compileInnocent, openLibrary, type Opened, type OpenOptions } from './harness';
import { Stream } from './streaming';

const MB = 1024 * 1024;
const SYMBOLS = ['GETSumHandler', 'GETRawHandler', 'GETNoneHandler', 'GETTextHandler', 'GETStallHandler', 'GETEchoHandler'];

afterEach(closeAll);

const open = (settings: OpenOptions['settings'] = {}): Promise<Opened> => openLibrary(compileInnocent('body_modes.c'), SYMBOLS, { settings });

/** A body of so many bytes in parts of one size, each byte 1; it counts what was taken. */
class Ones implements BodySource {
  given = 0;

  constructor(
    private readonly length: number,
    private readonly part: number,
    private readonly fails = false,
  ) {}

  next(): Promise<Buffer | null> {
    const length = Math.min(this.part, this.length - this.given);
    this.given += length;
    if (length === 0 && this.fails) return Promise.reject(new Error('the client has gone'));
    return Promise.resolve(length === 0 ? null : Buffer.alloc(length, 1));
  }
}

async function sumOf(opened: Opened, symbol: string, options: ConstructorParameters<typeof Stream>[2]): Promise<number[]> {
  const stream = new Stream(opened.plugin, symbol, options);
  expect([await stream.ended(), opened.lines.filter(({ level }) => level > 30)]).toEqual(['reply', []]);
  return stream.text.split(' ').map(Number);
}

describe('a body in parts', () => {
  it.each([[0, 1], [1, 1], [9999, 100], [300_000, 65_536], [1_000_000, 1_000_000], [5_000_000, 70_001]])('comes whole: %d bytes by %d', async (length, part) => {
    expect((await sumOf(await open(), 'GETSumHandler', { input: new Ones(length, part) })).slice(0, 3)).toEqual([length, length, 0]);
  });

  it('of 200 MB is never in memory', async () => {
    const opened = await open();
    const [, , , before] = await sumOf(opened, 'GETSumHandler', { input: new Ones(1000, 1000) });
    const rss = process.memoryUsage().rss;
    const [bytes, sum, end, after] = await sumOf(opened, 'GETSumHandler', { input: new Ones(200 * MB, 64 * 1024) });
    expect([bytes, sum, end]).toEqual([200 * MB, 200 * MB, 0]);
    expect(after! - before!).toBeLessThan(8 * MB);
    expect(process.memoryUsage().rss - rss).toBeLessThan(100 * MB);
  });

  it('that is not there is empty', async () => {
    expect((await sumOf(await open(), 'GETSumHandler', {})).slice(0, 3)).toEqual([0, 0, 0]);
  });

  it('is taken no further than it is read', async () => {
    const opened = await open();
    const ones = new Ones(100 * MB, 64 * 1024);
    const [bytes] = await sumOf(opened, 'GETSumHandler', { input: ones, query: 'enough=100000' });
    expect(bytes! - 100_000).toBeLessThan(10_000);
    expect(ones.given).toBeLessThan(MB);
    expect(await opened.ask('GETEchoHandler')).toContain('"body":null}');
  });

  it('that breaks off tells the handler', async () => {
    expect((await sumOf(await open(), 'GETSumHandler', { input: new Ones(100_000, 1000, true) })).slice(0, 3)).toEqual([100_000, 100_000, -1]);
  });

  it('leaves several handlers alone with theirs', async () => {
    const opened = await open({ concurrency: 8 });
    const sums = Array.from({ length: 40 }, (_, i) => sumOf(opened, 'GETSumHandler', { input: new Ones(i * 40_000, 10_000) }));
    expect((await Promise.all(sums)).map(([bytes]) => bytes)).toEqual(sums.map((_, i) => i * 40_000));
  });

  it('ends with a handler whose client has left, while it waits for more', async () => {
    const opened = await open();
    const stream = new Stream(opened.plugin, 'GETSumHandler', { input: { next: () => new Promise(() => undefined) } });
    await until(() => opened.plugin.begunAt(stream.exchange) !== undefined);
    stream.exchange.abandon();
    await until(() => opened.lines.some(({ msg }) => msg === 'read to -1'));
  });

  it('and the call with it is lost where its process crashes', async () => {
    const opened = await open({ retry: true });
    const stream = new Stream(opened.plugin, 'GETStallHandler', { input: new Ones(1000, 10) });
    expect(await stream.ended()).toBe('PLUGIN_CRASHED');
  });
});

describe('a library says how its handlers take a body', () => {
  it('and each gets it so', async () => {
    const opened = await open();
    const { handlers } = opened.plugin;
    expect(SYMBOLS.map((symbol) => handlers.bySymbol(symbol)!.body)).toEqual([
      BodyMode.STREAM, BodyMode.RAW, BodyMode.NONE, BodyMode.TEXT, BodyMode.STREAM, BodyMode.TEXT,
    ]);
    const body = Buffer.alloc(25_000, 1);
    for (const symbol of ['GETRawHandler', 'GETTextHandler']) expect((await sumOf(opened, symbol, { body })).slice(0, 3)).toEqual([25_000, 25_000, 0]);
  });

  it('but not in a way that there is not', async () => {
    const reason = /GETTestHandlerBody returned 7/;
    await expect(openLibrary(compileFixture('body_wrong.c'), ['GETTestHandler'])).rejects.toThrow(reason);
  });
});
