import { readFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { send } from '../support/doors';
import { startServer, type TestServer } from '../support/server';
import { until } from '../support/until';
import { build, call, contents, copyGo, library, pluginpath, removeFolders } from './support';

// Of dlserve.h.
const BODY_RAW = 1;

let folder: string;
let before: Record<string, string>;

beforeAll(async () => {
  folder = pluginpath();
  copyGo(folder, 'factory', 'linked');
  before = contents(path.join(folder, 'src'));
  const { states } = await build(folder);
  expect(states).toEqual({ factory: 'built', linked: 'built' });
}, 300_000);
afterAll(removeFolders);

const serve = (mode: string, env: Record<string, string> = {}): Promise<TestServer> =>
  startServer(['--pluginpath', folder, '--mode', mode], { env: { PREST_PLUGINS_BUILD: 'false', ...env } });

test('not a byte of the sources is touched', () => {
  expect(contents(path.join(folder, 'src'))).toEqual(before);
  expect(readFileSync(path.join(folder, 'src/linked/linked.go'), 'utf8')).toContain('package linked');
});

test('it takes bodies raw', () => {
  expect(call(library(folder, 'factory'), 'PluginRouteHandlerBody').answers.PluginRouteHandlerBody?.status).toBe(BODY_RAW);
});

describe.each(['thread', 'inline', 'process'])('in mode %s', (mode) => {
  let server: TestServer;
  const get = (target: string, options: RequestInit = {}): Promise<Response> => fetch(server.url + target, { redirect: 'manual', ...options });

  beforeAll(async () => {
    server = await serve(mode);
    for (const target of ['/factory/echo/a/b', '/linked/a']) await until(async () => ((await get(target)).ok ? true : undefined));
  }, 60_000);
  afterAll(() => server.stop());

  test('a handler of net/http gets the request as net/http has it', async () => {
    const answer = await get('/factory/echo/a%20b/c/d?q=%C3%BC', { method: 'POST', body: 'text', headers: { 'X-One': '1, 2' } });
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const host = new URL(server.url).host;
    expect(await answer.text()).toBe(`POST /factory/echo/a b/c/d ü ["1, 2"] ${host} true 4 text true /factory/echo/a%20b/c/d?q=%C3%BC`);
    expect(await (await get('/linked/A%2Fda')).text()).toBe('hello A/da by GET /linked/{name}');
  });

  test('a body is the bytes that were sent, and ends with its handler', async () => {
    for (const body of [Buffer.alloc(1_000_000, '"\\\n'), Buffer.alloc(1_000_000, Buffer.from([0, 255, 34])), Buffer.alloc(0)]) {
      const answer = await get('/factory/sum', { method: 'POST', body });
      expect(await answer.text()).toBe(`${body.length} ${body.length} ${crc32(body).toString(16)} <nil>`);
    }
    expect((await get('/factory/keep', { method: 'POST', body: 'text' })).status).toBe(200);
    expect(await (await get('/factory/kept')).text()).toBe('0 http: invalid Read on closed Body');
  });

  test('what it writes arrives: bytes, a type that was guessed, headers of before the status', async () => {
    const answer = await get('/factory/page');
    expect([answer.status, await answer.text(), answer.headers.get('content-type'), answer.headers.get('x-late')]).toEqual([418, '<html>\0', 'text/html; charset=utf-8', null]);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const redirect = await get('/factory/redirect');
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, expect.stringMatching(/^\/else.*where$/)]);
    expect((await send(server.url, { method: 'HEAD', path: '/factory/echo/a/b' })).toString()).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n$/);
  });

  test('a panic costs its request, and says so', async () => {
    const answer = await get('/factory/panic');
    expect([answer.status, await answer.json()]).toEqual([500, { code: 'HANDLER_PANICKED', error: 'GET /factory/panic panicked, see the log' }]);
    expect((await get('/linked/b')).status).toBe(200);
  });

  test('many at once', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => get(`/linked/${i}`).then((answer) => answer.text())));
    expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => `hello ${i} by GET /linked/{name}`));
  });

  test('an error of Stop is logged', async () => {
    const other = await serve(mode);
    await until(async () => ((await fetch(`${other.url}/factory/echo/a/b`)).ok ? true : undefined));
    expect(await other.stop()).toMatchObject({ code: 0 });
    const words = /^factory\.(so|dylib) was not stopped as it should be: PluginFactory.stop: still busy$/;
    expect(other.log().map(({ msg }) => msg)).toContainEqual(expect.stringMatching(words));
  });

  test.each([
    ['fails', 'no database'],
    ['panics', 'Start panicked: at the start'],
  ])('one whose Start %s is not served, in its words', async (how, words) => {
    const other = await serve(mode, { FACTORY: how });
    const answer = (await (await fetch(`${other.url}/_PLUGIN/factory/Any`)).json()) as { error: string };
    expect(answer).toEqual({ code: 'INIT_FAILED', error: expect.stringMatching(new RegExp(`: PluginFactory.start: ${words}$`)) as string });
    await other.stop();
  });
});

test('a PluginFactory of another shape is told apart', async () => {
  const { lines, states } = await build(
    pluginpath({
      'src/number.go': 'package main\n\nvar PluginFactory = 1\n\nfunc GETAHandler() string { return "" }\n',
      'src/lacks.go': 'package main\n\ntype p struct{}\n\nfunc (p) Name() string { return "" }\n\nfunc PluginFactory() p { return p{} }\n\nfunc GETAHandler() string { return "" }\n',
    }),
  );
  expect(states).toEqual({ number: 'built', lacks: 'built' });
  expect(lines.filter(({ level }) => level === 40).map(({ msg }) => msg).sort()).toEqual([
    expect.stringContaining('PluginFactory is not used: what it returns, main.p, has no method Start() error'),
    expect.stringContaining('PluginFactory is not used: it must be a func() that returns a plugin, and is of type int'),
  ]);
}, 120_000);
