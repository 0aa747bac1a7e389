import { MAX_REPLY } from '../../../src/plugin/reply';
import type { Instance } from '../../../src/plugin/runtime';
import { inlineRuntime } from '../../../src/runtimes/native/runtime';
import { compileFixture } from '../../support/compile';
import { callHandler, copyLibrary, pluginSource, silentLog, textOf } from '../../support/runtime';
import { callStream, StreamClient } from '../../support/stream';

const opened: Instance[] = [];
const lines: [number, string][] = [];
const logged: string[] = [];
afterEach(() => Promise.all(opened.splice(0).map((plugin) => plugin.close(1000))));

async function open(fixture: string, ...symbols: string[]): Promise<Instance> {
  const services = {
    ask: () => Promise.reject(new Error('nobody asks inline')),
    log: (_: unknown, level: number, text: string) => void lines.push([level, text]),
  };
  const log = Object.assign(silentLog(), { warn: (_: unknown, text: string) => void logged.push(text) });
  const plugin = await inlineRuntime().open(pluginSource(copyLibrary(compileFixture(fixture)), { symbols, services, log }));
  opened.push(plugin);
  return plugin;
}

function call(plugin: Instance, symbol: string, query = '', timeout = 30_000): StreamClient {
  const client = new StreamClient();
  callStream(plugin, symbol, client, { query, timeout });
  expect(client.isOver).toBe(true);
  return client;
}

test('what is written leaves as a whole, with the head of the first part', async () => {
  const plugin = await open('writes.c', 'GETCountHandler', 'GETEmptyHandler', 'GETWholeErrorHandler');
  const { whole } = call(plugin, 'GETCountHandler', 'n=3');
  expect([whole?.status, whole?.body.toString()]).toEqual([201, 'part 0\npart 1\npart 2\nlast']);
  expect(whole?.headers).toEqual(['Content-Type', 'text/plain', 'X-Parts', 'yes', 'Content-Length', '25']);
  expect(call(plugin, 'GETEmptyHandler').whole?.body).toHaveLength(0);
  expect(call(plugin, 'GETWholeErrorHandler').whole).toMatchObject({ status: 503, body: Buffer.from('half, whole') });
});

test('a reply that is broken off is an error', async () => {
  expect(call(await open('writes.c', 'GETBreakHandler'), 'GETBreakHandler').error?.code).toBe('STREAM_BROKEN');
});

test('more than a reply may have is refused', async () => {
  const plugin = await open('writes.c', 'GETFloodHandler', 'GETCountHandler', 'GETWrittenHandler');
  const { error } = call(plugin, 'GETFloodHandler', `size=${32 * 1024 * 1024}&total=${2 * MAX_REPLY}`);
  expect(error?.code).toBe('REPLY_TOO_LARGE');
  expect(textOf(await callHandler(plugin, 2))).toBe(`${MAX_REPLY} 1`);
  expect(call(plugin, 'GETCountHandler', 'n=1').whole?.body.toString()).toBe('part 0\nlast');
});

test('a handler hears when its time is over', async () => {
  expect(call(await open('writes.c', 'GETSilentHandler'), 'GETSilentHandler', '', 100).whole?.body).toBe('last');
});

test('the body is read as a whole, also by a handler that takes it in parts', async () => {
  const plugin = await open('reads.c', 'POSTTextHandler', 'POSTStreamHandler');
  expect(plugin.handlers.bySymbol('POSTStreamHandler')?.body).toBe(1);
  const texts = await Promise.all([0, 1].map(async (index) => textOf(await callHandler(plugin, index, { body: Buffer.from('abc') }))));
  expect(texts).toEqual(['3 17862 0', '3 17862 0']);
});

test('nobody can ask', async () => {
  const plugin = await open('asks.c', 'POSTAskHandler');
  expect(textOf(await callHandler(plugin, 0))).toMatch(/^-2 \{"code":"UNAVAILABLE","message":".*use mode thread or process"\}$/);
});

test('lines for the log are taken when the handler has returned, and counted where there are too many', async () => {
  const plugin = await open('asks.c', 'GETLogHandler', 'GETLogFloodHandler');
  await callHandler(plugin, 0);
  expect(lines.splice(0)).toEqual([[1, 'a line, grüß'], [3, '']]);
  await callHandler(plugin, 1);
  expect([lines.length, logged]).toEqual([1024, [`${100_000 - 1024} lines of its log came too fast, and are lost`]]);
});

test('nothing is kept', async () => {
  expect(textOf(await callHandler(await open('keeps.c', 'GETKeepHandler'), 0))).toBe('not kept');
});
