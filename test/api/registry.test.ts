import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import express from 'express';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { FactoryRegistry, loadSo, registerRouteProviders, Registry, type LibraryOptions, type LibraryPlugin, type Plugin, type RouteHandler } from '../../src';
import { compileFixture } from '../support/compile';
import { silentLog } from '../support/runtime';
import { scratch } from '../support/server';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function library(fixture: string, folder: string, name: string): string {
  const file = path.join(folder, `${name}.so`);
  cpSync(compileFixture(fixture), file);
  return file;
}

function load(file: string, options: LibraryOptions = {}): LibraryPlugin {
  const plugin = loadSo(file, options, silentLog())();
  stops.push(() => plugin.stop());
  return plugin;
}

/** A program's own router, of the plainest kind. */
class Routes {
  readonly #handlers = new Map<string, RouteHandler>();
  readonly server: Server = createServer((req, res) => {
    const handler = this.#handlers.get(`${req.method} ${(req.url ?? '').split('?')[0]}`);
    if (handler === undefined) res.writeHead(404).end('not mine');
    else handler(req, res);
  });

  add(method: string, route: string, handler: RouteHandler): void {
    const key = `${method} ${route}`;
    if (this.#handlers.has(key)) throw new Error(`${key} is there already`);
    this.#handlers.set(key, handler);
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    stops.push(() => {
      this.server.closeAllConnections();
      this.server.close();
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
}

describe.each(['thread', 'process', 'inline'] as const)('loadSo in mode %s', (mode) => {
  test('makes plugins of libraries, which start and stop with others', async () => {
    const folder = scratch();
    const notes = path.join(folder, 'notes');
    const factories = new FactoryRegistry();
    for (const name of ['db', 'web']) factories.register(name, loadSo(library('life.c', folder, name), { mode, config: { notes, name } }, silentLog()));
    const own: Plugin = {
      name: () => 'own',
      start: () => writeFileSync(notes, 'start own\n', { flag: 'a' }),
      stop: () => writeFileSync(notes, 'stop own\n', { flag: 'a' }),
    };
    const registry = new Registry();
    expect(registry.discoverFromValues(factories.create('db'), own, factories.create('web'))).toBe(3);
    expect(await registry.startAll()).toEqual([]);
    expect(await registry.stopAll()).toEqual([]);
    expect(readFileSync(notes, 'utf8').trimEnd().split('\n')).toEqual(['start db', 'start own', 'start web', 'stop web', 'stop own', 'stop db']);
  });

  test('calls its handlers, by name and by route', async () => {
    const echo = load(library('echo.c', scratch(), 'echo'), { mode });
    const registry = new Registry();
    registry.register(echo);
    expect(await registry.startAll()).toEqual([]);
    const { body } = await echo.call('Echo', { body: 'called' });
    expect(JSON.parse(body.toString())).toMatchObject({ body: 'called', method: 'POST' });

    const router = new Routes();
    expect(registerRouteProviders(registry, router)).toBe(2);
    const url = `${await router.listen()}/_PLUGIN/echo/Echo`;
    const ask = async (): Promise<[number, unknown]> => {
      const answer = await fetch(`${url}?n=1`, { method: 'POST', body: 'routed' });
      return [answer.status, await answer.json()];
    };
    expect(await ask()).toEqual([200, expect.objectContaining({ body: 'routed', url_query: { n: ['1'] } })]);
    await registry.stopAll();
    expect(await ask()).toEqual([503, expect.objectContaining({ code: 'STOPPING' })]);
    await expect(echo.call('Echo')).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'echo is not available now: it does not run' });
    await registry.startAll();
    expect((await ask())[0]).toBe(200);
  });
});

test('the routes that a library says itself are its routes, wherever they are served', async () => {
  const routes = load(library('routes.c', scratch(), 'routes'));
  const registry = new Registry();
  registry.register(routes);
  expect(await registry.startAll()).toEqual([]);
  expect(routes.routes().map(({ method, path: place }) => `${method} ${place}`).filter((route) => !route.includes('/_PLUGIN/')))
    .toEqual(['GET /hello/{name}', 'POST /hello/{name}', 'GET /files/{path...}']);

  const router = express();
  const below = express.Router();
  router.use('/api', below);
  const add = (method: string, place: string, handler: RouteHandler): void => {
    const pattern = place.replace(/\{(\w+)\}/g, ':$1').replace(/\{(\w+)\.\.\.\}/g, '*$1');
    for (const at of [router, below]) at[method.toLowerCase() as 'get'](pattern, (req, res) => void handler(req, res));
  };
  registerRouteProviders(registry, { add });
  const server = router.listen(0, '127.0.0.1');
  stops.push(() => server.close());
  await once(server, 'listening');
  const ask = async (target: string, init?: RequestInit): Promise<unknown> => (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${target}`, { ...init, headers: { connection: 'close' } })).json();
  for (const prefix of ['', '/api']) {
    expect(await ask(`${prefix}/hello/J%C3%B6rg?n=1`)).toMatchObject({ method: 'GET', path: `${prefix}/hello/J%C3%B6rg`, http_vars: { name: 'Jörg' }, url_query: { n: ['1'] } });
    expect(await ask(`${prefix}/hello/x`, { method: 'POST', body: 'text' })).toMatchObject({ method: 'POST', http_vars: { name: 'x' }, body: 'text' });
    expect(await ask(`${prefix}/files/a/b`)).toMatchObject({ http_vars: { path: 'a/b' } });
  }
  await registry.stopAll();
  expect(await ask('/hello/x')).toMatchObject({ code: 'STOPPING' });
});

test('what can not be opened is an error of its start, and can be started when it is mended', async () => {
  const folder = scratch();
  mkdirSync(path.join(folder, 'lib'));
  const file = path.join(folder, 'lib/late.so');
  const registry = new Registry();
  registry.register(load(file, { config: { notes: path.join(folder, 'notes'), name: 'late', needs: path.join(folder, 'disk') } }));
  const codes = async (): Promise<unknown[]> => (await registry.startAll()).map(({ error }) => (error as { code?: string }).code);
  expect(await codes()).toEqual(['LIBRARY_NOT_FOUND']);
  cpSync(compileFixture('life.c'), file);
  expect(await codes()).toEqual(['INIT_FAILED']);
  writeFileSync(path.join(folder, 'disk'), '');
  expect(await codes()).toEqual([]);
  expect(registry.isRunning('late')).toBe(true);
});

test('what no plugin can be called is refused at once, and so are options that are none', async () => {
  expect(() => loadSo('/lib/.hidden.so')).toThrow(/illegal file/);
  await expect(load('/lib/x.so', { mode: 'threads' as never }).start()).rejects.toMatchObject({ code: 'BAD_CONFIG' });
});
