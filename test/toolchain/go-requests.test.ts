import { startServer, type TestServer } from '../support/server';
import { build, copyGo, pluginpath, removeFolders } from './support';

// A plugin of prestd's style, from its source to the client.

let folder: string;

beforeAll(async () => {
  folder = pluginpath();
  copyGo(folder, 'seen.go');
  expect((await build(folder)).states).toEqual({ seen: 'built' });
}, 180_000);
afterAll(removeFolders);

const vars = { file: 'seen', func: 'Seen' };

describe.each(['thread', 'inline', 'process'])('in mode %s', (mode) => {
  let server: TestServer;
  const ask = async (target: string, init?: RequestInit): Promise<unknown> => (await fetch(`${server.url}/_PLUGIN/seen/${target}`, init)).json();

  beforeAll(async () => {
    server = await startServer(['--pluginpath', folder, '--mode', mode], { env: { PREST_PLUGINS_BUILD: 'false', PREST_HTTP_BODYLIMIT: '2MB' } });
  });
  afterAll(() => server.stop());

  test('of a request it sees the URL, whatever stands in it', async () => {
    const query = 'a=%22%5C%2F%08%0A%7F&a=%F0%9F%98%80&%C3%BC=%E2%80%A8&=%00%1F&b=%FF%ED%A0%80&c=%5Cud83d&a=';
    expect(await ask(`Seen?${query}`, { method: 'POST' })).toEqual({
      vars,
      query: { a: ['"\\/\b\n\x7f', '😀', ''], ü: ['\u2028'], '': ['\0\x1f'], b: ['\ufffd\ufffd\ufffd\ufffd'], c: ['\\ud83d'] },
    });
    expect(await ask('Seen', { method: 'POST' })).toEqual({ vars, query: {} });
  });

  test.each([
    ['text', Buffer.alloc(1_000_000, 'x')],
    ['what JSON would escape', Buffer.alloc(1_000_000, '"\\\n\0')],
    ['no UTF-8', Buffer.alloc(1_000_000, Buffer.from([0xff, 0x22, 0x00]))],
    ['nothing', Buffer.alloc(0)],
    ['a request of its own', Buffer.from('{"url_query":{"a":["b"]}}')],
  ])('a body makes no difference to it: %s', async (_, body) => {
    expect(await ask('Seen?a=1', { method: 'POST', body })).toEqual({ vars, query: { a: ['1'] } });
  });

  test('what it keeps of a request is its own', async () => {
    expect(await ask('Kept?a=1')).toEqual({ first: { a: ['1'] }, vars: { file: 'mine', func: 'Kept' } });
    expect(await ask('Kept?b=2')).toEqual({ first: { a: ['1'] }, vars: { file: 'seen', func: 'Kept' } });
  });

  test('a large reply of any bytes arrives as it is', async () => {
    const answer = await fetch(`${server.url}/_PLUGIN/seen/Large`);
    expect([answer.status, Buffer.from(await answer.arrayBuffer())]).toEqual([201, Buffer.alloc(1_000_000, Buffer.from([0, 255]))]);
  });
});
