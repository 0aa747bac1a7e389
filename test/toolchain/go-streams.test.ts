import { startServer, type TestServer } from '../support/server';
import { until } from '../support/until';
import { build, copyGo, pluginpath, removeFolders } from './support';

// Go's handlers that reply in parts, from their source to the client.

let folder: string;

beforeAll(async () => {
  folder = pluginpath();
  copyGo(folder, 'asks.go', 'parts');
  expect((await build(folder)).states).toEqual({ asks: 'built', parts: 'built' });
}, 300_000);
afterAll(removeFolders);

const LEFT = 'context canceled context canceled GONE: nobody waits for the reply any more, or its time is over';

describe.each(['thread', 'process'])('in mode %s', (mode) => {
  let server: TestServer;
  const get = (target: string, init?: RequestInit): Promise<Response> => fetch(server.url + target, init);

  beforeAll(async () => {
    server = await startServer(['--pluginpath', folder, '--mode', mode], { env: { PREST_PLUGINS_BUILD: 'false' } });
    await until(async () => ((await get('/parts/whole')).ok ? true : undefined));
  }, 60_000);
  afterAll(() => server.stop());

  test('what is flushed arrives before the handler ends, which learns that its client has left', async () => {
    const answer = await get('/parts/until-left');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'text/plain; charset=utf-8']);
    const reader = answer.body!.getReader();
    expect(Buffer.from((await reader.read()).value).toString()).toMatch(/^x+$/);
    await reader.cancel();
    await until(() => server.log().find(({ msg }) => msg === LEFT));
  });

  test('server-sent events arrive as they were written', async () => {
    const answer = await get('/parts/events');
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('x-late')]).toEqual([202, 'text/event-stream', null]);
    expect(await answer.text()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n: end\n\n');
  });

  test('a reply of any size arrives whole', async () => {
    const large = Buffer.from(await (await get('/parts/large')).arrayBuffer());
    expect(large.equals(Buffer.from(`${'<p>'.repeat(3 << 20)}last`))).toBe(true);
    expect((await get('/parts/whole')).headers.get('content-length')).toBe('1000000');
  });

  test('a panic in mid-reply shows to the client', async () => {
    const answer = await get('/parts/broken');
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
    await expect(get('/_PLUGIN/asks/Break').then((broken) => broken.text())).rejects.toThrow();
  });

  test('a body is read as it comes', async () => {
    const body = Buffer.alloc(3_000_000, 'x');
    expect(await (await get('/parts/upload', { method: 'POST', body })).text()).toBe(`3000000 ${body.toString()} <nil>`);
  });

  test('handlers without parameters write, log and ask', async () => {
    expect(await (await get('/_PLUGIN/asks/Parts')).text()).toBe('onethree; 0 <nil> false');
    expect(await (await get('/_PLUGIN/asks/Ask')).text()).toContain('; UNKNOWN_SERVICE: there is no service "nothing"');
    await get('/_PLUGIN/asks/Log');
    await until(() => server.log().find(({ msg, level }) => msg === 'warn line' && level === 40));
  });
});
