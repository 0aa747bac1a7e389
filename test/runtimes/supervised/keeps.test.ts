import type { Answer } from '../../../src/plugin/services';
import { until } from '../../support/until';
import { closeAll, compileInnocent, openLibrary, type Opened, type OpenOptions } from './harness';
import { Stream } from './streaming';

const SYMBOLS = ['GETKeepHandler', 'GETTellHandler', 'GETEndHandler', 'GETGoneHandler', 'GETRaceHandler', 'GETCrashHandler', 'GETEchoHandler', 'GETPidHandler'];

afterEach(closeAll);

const services = {
  ask: (_exchange: unknown, _service: string, json: string): Promise<Answer> => Promise.resolve({ isOk: true, json }),
  log: () => undefined,
};

const open = (settings: OpenOptions['settings'] = {}): Promise<Opened> => openLibrary(compileInnocent('keeps_given.c'), SYMBOLS, { settings, services });

/** So many calls whose handlers have returned. */
async function keep({ plugin }: Opened, count: number): Promise<Stream[]> {
  const streams = Array.from({ length: count }, () => new Stream(plugin, 'GETKeepHandler'));
  await until(() => streams.every(({ text }) => text === 'kept,'));
  await until(() => plugin.outstanding === 0);
  return streams;
}

it('500 replies go on beside each other, and one thread serves them all', async () => {
  const opened = await open({ concurrency: 1 });
  const streams = await keep(opened, 500);
  expect(await opened.ask('GETTellHandler', { query: 'part=1' })).toBe('500');
  expect(await opened.ask('GETTellHandler', { query: 'part=2' })).toBe('500');
  await until(() => streams.every(({ text }) => text === 'kept,1,2,'));
  expect(streams.every(({ ending, head }) => ending === undefined && head!.status === 202 && head!.headers[1] === 'yes')).toBe(true);
  expect(await opened.ask('GETEndHandler')).toBe('ended');
  for (const stream of streams) expect(await stream.ended()).toBe('end');
});

it('one that is broken off fails', async () => {
  const opened = await open();
  const [stream] = await keep(opened, 1);
  await opened.ask('GETEndHandler', { query: 'broken=1' });
  expect(await stream!.ended()).toBe('STREAM_BROKEN');
});

it('those whose clients leave hear of it, the others do not', async () => {
  const opened = await open();
  const streams = await keep(opened, 10);
  for (const stream of streams.slice(0, 4)) stream.exchange.abandon();
  await until(async () => (await opened.ask('GETGoneHandler')) === '4');
  expect(await opened.ask('GETTellHandler')).toBe('6');
  await opened.ask('GETEndHandler');
  for (const stream of streams) await stream.ended();
});

it.each(['waits=1', 'waits=0'])('a thread may write, ask and end while the handler runs (%s)', async (query) => {
  const { plugin } = await open();
  for (let round = 0; round < 50; round++) {
    const stream = new Stream(plugin, 'GETRaceHandler', { query });
    expect([await stream.ended(), stream.head!.status, stream.text]).toEqual(['end', 203, `${'x'.repeat(100)}1`]);
  }
});

it('a crash ends them all, and they are in its report', async () => {
  const opened = await open({ retry: true });
  const streams = await keep(opened, 20);
  await opened.ask('GETTellHandler', { query: 'part=1' });
  expect(await opened.ask('GETCrashHandler')).toBe('PLUGIN_CRASHED');
  for (const stream of streams) expect([await stream.ended(), stream.text]).toEqual(['PLUGIN_CRASHED', 'kept,1,']);
  expect(await opened.ask('GETEchoHandler')).toContain('"body":null}');
});

it('one whose time is over costs its process nothing', async () => {
  const opened = await open();
  const pid = await opened.ask('GETPidHandler');
  const [stream] = await keep(opened, 1);
  opened.plugin.expire(stream!.exchange);
  await until(async () => (await opened.ask('GETGoneHandler')) === '1');
  await opened.ask('GETEndHandler');
  expect(await opened.ask('GETPidHandler')).toBe(pid);
});

it('a plugin that is stopped ends its own', async () => {
  const opened = await open();
  const streams = await keep(opened, 3);
  await opened.plugin.close(300);
  expect(opened.lines.some(({ msg }) => msg === 'stopped with 3')).toBe(true);
  for (const stream of streams) expect(await stream.ended()).toBe('end');
});
