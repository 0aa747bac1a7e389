import type { Answer, Services } from '../../../src/plugin/services';
import { until } from '../../support/until';
import { closeAll, compileInnocent, isAlive, openLibrary, type Opened, type OpenOptions } from './harness';
import { Stream } from './streaming';

const SYMBOLS = ['GETAskHandler', 'GETMixHandler', 'GETNeverHandler', 'GETManyLinesHandler', 'GETEchoHandler', 'GETPidHandler'];

afterEach(closeAll);

/** A host that answers with what it was asked, or never, and keeps what it is told. */
class Echo implements Services {
  readonly lines: [id: string, level: number, text: string][] = [];

  ask(_exchange: unknown, service: string, json: string): Promise<Answer> {
    return service === 'never' ? new Promise(() => undefined) : Promise.resolve({ isOk: json !== 'null', json });
  }

  log({ id }: { readonly id: string }, level: number, text: string): void {
    this.lines.push([id, level, text]);
  }
}

async function open(settings: OpenOptions['settings'] = {}): Promise<Opened & { readonly echo: Echo }> {
  const echo = new Echo();
  return { echo, ...(await openLibrary(compileInnocent('questions.c'), SYMBOLS, { settings, services: echo })) };
}

it.each([1, 100, 32_760, 32_768, 100_000, 5_000_000])('a question of %d bytes comes whole, and so does the answer', async (bytes) => {
  const { ask } = await open();
  expect((await ask('GETAskHandler', { query: `bytes=${bytes}` })) === `0 "${' '.repeat(bytes)}"`).toBe(true);
});

it('a refusal is told, and no parameters are null', async () => {
  const { ask } = await open();
  expect(await ask('GETAskHandler')).toBe('-4 null');
});

it('more than may be asked is not', async () => {
  const { ask } = await open();
  expect(await ask('GETAskHandler', { query: `bytes=${16 * 1024 * 1024}` })).toMatch(/^-4 \{"code":"BODY_TOO_LARGE"/);
});

it('a stream asks and logs between its parts', async () => {
  const { plugin, echo } = await open();
  const stream = new Stream(plugin, 'GETMixHandler', { query: 'parts=200' });
  expect(await stream.ended()).toBe('end');
  const numbers = Array.from({ length: 200 }, (_, i) => i);
  expect(stream.text).toBe(numbers.join(''));
  await until(() => echo.lines.length === 200);
  expect(echo.lines).toEqual(numbers.map((i) => [stream.exchange.id, Math.min(i, 3), `line ${i}`]));
});

it('questions of several threads are answered each its own', async () => {
  const { plugin } = await open({ concurrency: 16 });
  const streams = Array.from({ length: 64 }, () => new Stream(plugin, 'GETMixHandler', { query: 'parts=50' }));
  for (const stream of streams) expect(await stream.ended()).toBe('end');
  expect(new Set(streams.map(({ text }) => text)).size).toBe(1);
});

it('who waits for an answer when its time is over hears so, and its process lives on', async () => {
  const opened = await open();
  const pid = Number(await opened.ask('GETPidHandler'));
  const stream = new Stream(opened.plugin, 'GETNeverHandler', { timeout: 200 });
  expect(await stream.ended()).toBe('TIMEOUT');
  await until(() => opened.lines.some(({ msg }) => msg.startsWith('asked: -1 {"code":"TIMEOUT"')));
  expect(await opened.ask('GETPidHandler')).toBe(String(pid));
  expect(isAlive(pid)).toBe(true);
});

it('the log never waits, and what it has lost is counted', async () => {
  const { ask, echo, lines } = await open();
  const LINES = 20_000;
  expect(await ask('GETManyLinesHandler', { query: `lines=${LINES}` })).toBe('logged');
  expect(await ask('GETManyLinesHandler', { query: 'lines=1' })).toBe('logged');
  const texts = echo.lines.map(([, , text]) => text);
  const lost = lines.map(({ msg }) => Number(/^(\d+) lines of its log came too fast/.exec(msg)?.[1] ?? 0)).reduce((sum, each) => sum + each, 0);
  expect(texts.length + lost).toBe(LINES + 1);
});
