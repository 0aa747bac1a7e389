import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createPluginHost, type PluginHost } from '../../src';
import { compileFixture } from '../support/compile';
import { openDoors, type Answer, type Doors } from '../support/doors';
import { startServer, scratch } from '../support/server';
import { until } from '../support/until';

const CONFIGURED = `
[[plugin.echo.route]]
method = "GET"
path = "/echo/{file}/{rest...}"
handler = "GETEchoHandler"
[[plugin.echo.route]]
method = "PUT"
path = "/echo/{file}/{rest...}"
handler = "POSTEchoHandler"
[[plugin.absent.route]]
method = "GET"
path = "/absent"
handler = "GETAnyHandler"
`;

describe.each(['thread', 'inline', 'process'])('in mode %s, routes of a plugin\'s own', (mode) => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await openDoors(['routes.c', 'echo.c'], CONFIGURED, ['--mode', mode]);
    // It is opened with the server, by itself.
    for (const { url } of [doors.fast, doors.express]) await until(async () => ((await fetch(`${url}/hello/any`)).ok ? true : undefined));
  });
  afterAll(() => doors.stop());

  const vars = (answer: Answer): unknown => (answer.json() as { http_vars: unknown }).http_vars;

  test('give a handler the names of its path, and say which they are', async () => {
    const answer = await doors.ask('/hello/Ada?abc=123');
    expect(answer.body.toString()).toBe(
      '{"http_vars":{"file":"routes","func":"Hello","name":"Ada"},"url_query":{"abc":["123"]},"method":"GET","path":"/hello/Ada",' +
        '"headers":{"host":"plugins.test","connection":"close"},"route":"GET /hello/{name}","body":null}',
    );
  });

  test('give the body', async () => {
    const answer = await doors.ask({ path: '/hello/Ada', body: 'text' });
    expect(answer.json()).toMatchObject({ method: 'POST', body: 'text', route: 'POST /hello/{name}', http_vars: { func: 'greet', name: 'Ada' } });
  });

  test.each([
    ['/hello/a%2Fb', 'a/b'],
    ['/hello/%C3%BC%20%22', 'ü "'],
    ['/hello/%25', '%'],
    ['/hello/a+b', 'a+b'],
    ['/hello/...', '...'],
    [`/hello/${'x'.repeat(5000)}`, 'x'.repeat(5000)],
  ])('decode %s once', async (target, name) => {
    expect(vars(await doors.ask(target))).toMatchObject({ name });
  });

  test.each(['/hello', '/hello/', '/hello/a/b', '/Hello/a', '//hello/a', '/hello/..', '/hello/%2e%2E', '/hello/.', '/files/../etc/passwd', '/files/a/%2e%2e/b', '/hello/%zz'])(
    'do not lead %s to a handler',
    async (target) => {
      expect((await doors.ask(target)).status).toBe(404);
    },
  );

  test('take the rest of a path', async () => {
    expect(vars(await doors.ask('/files/a/b%2Fc/'))).toEqual({ file: 'routes', func: 'show', path: 'a/b/c/' });
  });

  test('may be given by the configuration, and open the plugin then; names beat those of the host', async () => {
    expect(vars(await doors.ask('/echo/one/two'))).toEqual({ func: 'Echo', file: 'one', rest: 'two' });
    expect((await doors.ask({ method: 'PUT', path: '/echo/one/', body: 'b' })).json()).toMatchObject({ method: 'PUT', body: 'b', http_vars: { rest: '' } });
    expect((await doors.ask('/absent')).json()).toMatchObject({ code: 'LIBRARY_NOT_FOUND' });
  });

  test('answer HEAD by GET, other methods 405, OPTIONS what there is', async () => {
    const head = await doors.ask({ method: 'HEAD', path: '/hello/Ada' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    const other = await doors.ask({ method: 'DELETE', path: '/hello/Ada' });
    expect([other.status, other.headers.get('allow'), (other.json() as { code: string }).code]).toEqual([405, 'GET, HEAD, OPTIONS, POST', 'METHOD_NOT_ALLOWED']);
    const options = await doors.ask({ method: 'OPTIONS', path: '/echo/a/b' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, PUT']);
  });

  test('leave alone what is not theirs', async () => {
    expect((await doors.ask('/_PLUGIN/routes/Hello')).body.toString()).not.toContain('"route"');
    expect((await doors.ask({ path: '/hello/a', headers: ['X-Dlserve-Timeout: soon'] })).json()).toMatchObject({ code: 'BAD_TIMEOUT' });
  });
});

describe('a host of one\'s own', () => {
  let host: PluginHost | undefined;
  let server: Server | undefined;
  afterEach(async () => {
    server?.close().closeAllConnections();
    await host?.close();
  });

  const folder = (...libraries: readonly (readonly [name: string, flags: readonly string[]])[]): string => {
    const pluginpath = path.join(scratch(), 'lib');
    mkdirSync(pluginpath);
    for (const [name, flags] of libraries) copyFileSync(compileFixture('routes.c', flags), path.join(pluginpath, `${name}.so`));
    return pluginpath;
  };
  const serve = async (served: PluginHost): Promise<string> => {
    server = createServer((req, res) => {
      if (!served.handle(req, res)) res.writeHead(404).end('nobody');
    }).listen(0);
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  test('refuses a plugin whose route is another\'s, and names both', async () => {
    const pluginpath = folder(['one', []], ['two', []]);
    host = await createPluginHost({ pluginpath, plugins: { mode: 'process' } });
    const statuses = await Promise.allSettled(['one', 'two'].map((name) => host!.call(name, 'Trace')));
    const refused = statuses.flatMap((status) => (status.status === 'rejected' ? [(status.reason as Error).message] : []));
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatch(/^(one.so did not load: its route GET \/hello\/\{name\} clashes with GET \/hello\/\{name\} of two|two.so did .* of one)$/);
  });

  test('finds the same route in another name of its own', async () => {
    const twice = '[{"method":"GET","path":"/a/{x}","handler":"show"},{"method":"GET","path":"/a/{y}","handler":"show"}]';
    host = await createPluginHost({ pluginpath: folder(['twice', [`-DROUTES=${JSON.stringify(twice)}`]]), plugins: { mode: 'process' } });
    await expect(host.call('twice', 'Trace')).rejects.toThrow('its route GET /a/{y} clashes with GET /a/{x} of its own');
  });

  test('has routes among the handlers of its plugins', async () => {
    const pluginpath = folder(['routes', ['-DNO_ROUTES', '-DNO_FACTORY']]);
    const route = [{ method: 'GET', path: '/shown', handler: 'show' }];
    host = await createPluginHost({ pluginpath, plugins: { mode: 'process' }, plugin: { routes: { route } } });
    expect((await host.plugins())[0]!.handlers).toContainEqual({ method: 'GET', path: '/shown' });
    const url = await serve(host);
    expect(await (await fetch(`${url}/shown`)).json()).toMatchObject({ http_vars: { file: 'routes', func: 'show' } });
    expect((await host.plugins())[0]!.handlers).toContainEqual({ method: 'GET', path: '/shown' });
    expect(await (await fetch(`${url}/other`)).text()).toBe('nobody');
  });

  test('opens a plugin that has routes by itself, and says what it calls itself', async () => {
    host = await createPluginHost({ pluginpath: folder(['routes', []]), plugins: { mode: 'process' } });
    const [plugin] = await until(async () => {
      const plugins = await host!.plugins();
      return plugins[0]?.state === 'ready' ? plugins : undefined;
    });
    expect(plugin!.handlers.filter(({ path: where }) => !where.startsWith('/_PLUGIN/'))).toEqual([
      { method: 'GET', path: '/hello/{name}' },
      { method: 'POST', path: '/hello/{name}' },
      { method: 'GET', path: '/files/{path...}' },
    ]);
  });

  test('refuses a symbol of the configuration that is not there', async () => {
    const route = [{ method: 'GET', path: '/shown', handler: 'shown' }];
    host = await createPluginHost({ pluginpath: folder(['routes', []]), plugins: { mode: 'process' }, plugin: { routes: { route } } });
    const answer = await fetch(`${await serve(host)}/shown`);
    expect([answer.status, await answer.json()]).toEqual([
      500,
      expect.objectContaining({ code: 'LOAD_FAILED', error: 'routes.so did not load: it exports no function shown, to which a route in the configuration leads' }),
    ]);
  });
});

test('what matches routes is loaded with the first of them', async () => {
  const loaded = async (toml: string): Promise<boolean> => {
    const cwd = scratch();
    writeFileSync(path.join(cwd, 'prest.toml'), toml);
    writeFileSync(path.join(cwd, 'spy.js'), `process.on('exit', () => console.error(JSON.stringify({ msg: 'modules', router: Object.keys(require.cache).some((file) => file.includes('find-my-way')) })));`);
    const server = await startServer([], { cwd, env: { NODE_OPTIONS: `--require ${path.join(cwd, 'spy.js')}` } });
    await fetch(`${server.url}/_PLUGIN/none/None`);
    await server.stop();
    return server.log().some(({ msg, router }) => msg === 'modules' && router === true);
  };
  expect(await loaded('')).toBe(false);
  expect(await loaded('[[plugin.a.route]]\nmethod = "GET"\npath = "/a"\nhandler = "a"\n')).toBe(true);
});
