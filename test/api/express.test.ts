import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import express, { type Express } from 'express';
import { createPluginHost, serverOptionsFor, type HostOptions, type PluginHost } from '../../src';
import { compileFixture } from '../support/compile';
import { recordedLog } from '../support/log';
import { scratch } from '../support/server';
import { until } from '../support/until';

declare module 'express-serve-static-core' {
  interface Request {
    greet(): string;
  }
}

const opened: { host: PluginHost; server: Server }[] = [];

afterEach(async () => {
  for (const { host, server } of opened.splice(0)) {
    server.closeAllConnections();
    server.close();
    await host.close();
  }
});

/** A person's own app around a host with these libraries; resolves with its URL. */
async function embed(fixtures: readonly string[], compose: (app: Express, host: PluginHost) => void, options: HostOptions = {}): Promise<[string, PluginHost]> {
  const pluginpath = path.join(scratch(), 'lib');
  mkdirSync(pluginpath);
  for (const fixture of fixtures) cpSync(compileFixture(fixture), path.join(pluginpath, `${path.parse(fixture).name}.so`));
  const host = await createPluginHost({ pluginpath, ...options });
  const app = express();
  compose(app, host);
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({ host, server });
  return [`http://127.0.0.1:${(server.address() as AddressInfo).port}`, host];
}

const post = (url: string, type: string, body: string): Promise<Response> => fetch(url, { method: 'POST', headers: { 'content-type': type }, body });

describe('in a person’s own Express app', () => {
  test('the router stands beside other routes, under any prefix', async () => {
    const [url] = await embed(['echo.c'], (app, host) => {
      app.use((_req, res, next) => {
        res.setHeader('X-Mine', 'yes');
        next();
      });
      app.use('/api', host.router());
      app.get('/api/own', (_req, res) => {
        res.send('mine');
      });
    });
    const answer = await fetch(`${url}/api/_PLUGIN/echo/Echo?a=1`);
    expect(answer.headers.get('x-mine')).toBe('yes');
    expect(await answer.json()).toMatchObject({ path: '/api/_PLUGIN/echo/Echo', url_query: { a: ['1'] } });
    expect(await (await fetch(`${url}/api/own`)).text()).toBe('mine');
    expect((await fetch(`${url}/_PLUGIN/echo/Echo`)).status).toBe(404);
  });

  test('a body that was kept whole by a parser reaches the plugin; one that was not is an error, never a hang', async () => {
    const [url] = await embed(['echo.c'], (app, host) => {
      app.use(express.raw({ type: 'application/octet-stream' }), express.text(), express.json());
      app.use(host.router());
    });
    const target = `${url}/_PLUGIN/echo/Echo`;
    expect(await (await post(target, 'application/octet-stream', 'raw')).json()).toMatchObject({ body: 'raw' });
    expect(await (await post(target, 'text/plain', 'tëxt')).json()).toMatchObject({ body: 'tëxt' });
    expect(await (await post(target, 'text/css', 'unparsed')).json()).toMatchObject({ body: 'unparsed' });
    const parsed = await post(target, 'application/json', '{"a": 1}');
    expect([parsed.status, await parsed.json()]).toEqual([500, expect.objectContaining({ code: 'BODY_CONSUMED' })]);
  });

  test('a reply behind an answer that somebody else gave is dropped', async () => {
    const gate = path.join(scratch(), 'gate');
    const uncaught = jest.fn();
    process.on('uncaughtException', uncaught);
    const compose = (app: Express, host: PluginHost): void => {
      app.use((_req, res, next) => {
        setTimeout(() => res.status(503).send('too slow for me'), 50);
        next();
      });
      app.use(host.router());
    };
    const [url, host] = await embed(['gate.c'], compose, { plugin: { gate: { config: { gate } } } });
    expect((await fetch(`${url}/_PLUGIN/gate/Wait`)).status).toBe(503);
    writeFileSync(gate, '');
    await host.close();
    process.off('uncaughtException', uncaught);
    expect(uncaught).not.toHaveBeenCalled();
  });

  test('headers that middleware has set stay, and none of a reply is lost', async () => {
    const [url] = await embed(['cookies.c'], (app, host) => {
      app.use((_req, res, next) => {
        res.setHeader('X-Mine', 'the app').setHeader('X-Other', 'kept').setHeader('Set-Cookie', 'session=s');
        next();
      });
      app.use(host.router());
    });
    const { headers } = await fetch(`${url}/_PLUGIN/cookies/Cookies`);
    expect(headers.getSetCookie()).toEqual(['session=s', 'a=1', 'b=2']);
    expect([headers.get('x-mine'), headers.get('x-other'), headers.get('vary')]).toEqual(["the plugin's", 'kept', 'one, two']);
    const [bare] = await embed(['cookies.c'], (app, host) => app.disable('x-powered-by').use(host.router()));
    expect((await fetch(`${bare}/_PLUGIN/cookies/Cookies`)).headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test.each(['thread', 'process'] as const)('a plugin that is still opening when its host is closed is stopped too (mode %s)', async (mode) => {
    const trace = path.join(scratch(), 'trace');
    const options: HostOptions = { plugins: { mode }, plugin: { traced_slow_init: { config: { trace } } } };
    const [url, host] = await embed(['traced_slow_init.c'], (app, plugins) => app.use(plugins.router()), options);
    const asked = fetch(`${url}/_PLUGIN/traced_slow_init/Fault`);
    await until(() => existsSync(trace));
    await host.close(1);
    expect(await (await asked).json()).toMatchObject({ code: 'STOPPING' });
    await until(() => readFileSync(trace, 'utf8') === 'init\nstop\n');
  });

  test('a closed host answers 503', async () => {
    const [url, host] = await embed(['echo.c'], (app, plugins) => app.use(plugins.router()));
    expect((await fetch(`${url}/_PLUGIN/echo/Echo`)).status).toBe(200);
    await host.close();
    for (const name of ['echo', 'other']) {
      const answer = await fetch(`${url}/_PLUGIN/${name}/Echo`);
      expect([answer.status, await answer.json()]).toEqual([503, { error: 'the server is stopping', code: 'STOPPING' }]);
    }
  });

  test('a server with the options for an app serves it as another would', async () => {
    const app = express();
    app.request.greet = function () {
      return `hello from ${this.path}`;
    };
    app.use('/sub', express().get('/x', (req, res) => void res.status(201).json({ url: req.originalUrl, host: req.get('host') !== undefined })));
    app.get('/own', (req, res) => void res.type('text').send(req.greet()));
    const server = createServer(serverOptionsFor(app), app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await (await fetch(`${url}/own`)).text()).toBe('hello from /own');
    const sub = await fetch(`${url}/sub/x`);
    expect([sub.status, await sub.json()]).toEqual([201, { url: '/sub/x', host: true }]);
    server.closeAllConnections();
    server.close();
  });

  test.each(['thread', 'inline', 'process'] as const)('plugins.mode %s', async (mode) => {
    const [url] = await embed(['echo.c'], (app, host) => app.use(host.router()), { plugins: { mode } });
    expect((await fetch(`${url}/_PLUGIN/echo/Echo`)).status).toBe(200);
  });

  test('on Windows the endpoint does not exist, and the log says why', async () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
    Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
    try {
      const [url] = await embed(['echo.c'], (app, host) => app.use(host.router()));
      expect((await fetch(`${url}/_PLUGIN/echo/Echo`)).status).toBe(404);
      const { log, lines } = recordedLog();
      await (await createPluginHost({}, log)).close();
      expect(lines).toEqual([{ level: 40, msg: expect.stringMatching(/endpoint is off.*Windows/) as string }]);
    } finally {
      Object.defineProperty(process, 'platform', platform);
    }
  });
});
