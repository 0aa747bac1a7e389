import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import path from 'node:path';
import { Probes } from '../../src/http/probes';
import { compileFixture } from '../support/compile';
import { openDoors, parseAnswer, send, type Doors } from '../support/doors';
import { recordedLog } from '../support/log';
import { scratch, startServer, type TestServer } from '../support/server';
import { until } from '../support/until';

const folder = scratch();
const notes = path.join(folder, 'notes');

const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop('SIGKILL')));
});

async function start(cwd: string): Promise<TestServer> {
  const server = await startServer([], { cwd });
  servers.push(server);
  return server;
}

async function readyOf({ url }: TestServer): Promise<[number, unknown]> {
  const answer = await fetch(`${url}/_ready`);
  return [answer.status, await answer.json()];
}

describe('through both doors', () => {
  let doors: Doors;
  beforeAll(async () => {
    const toml = `
[plugins]
mode = "process"
crashes = 1
rest = "100ms"
[plugin.life]
required = true
[plugin.life.config]
notes = "${notes}"
name = "life"
[plugin.init_fails]
start = "server"
`;
    doors = await openDoors(['life.c', 'echo.c', 'init_fails.c'], toml);
  }, 60_000);
  afterAll(() => doors.stop());

  test('a server is ready when what is required answers, whatever else does not', async () => {
    for (const server of [doors.fast, doors.express]) {
      await until(async () => (await readyOf(server))[0] === 200);
      await until(() => server.log().some(({ plugin, code }) => plugin === 'init_fails' && code === 'INIT_FAILED'));
    }
    const answer = await doors.ask('/_ready?from=probe');
    expect([answer.status, answer.json()]).toEqual([200, { status: 'ready' }]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  test.each(['/_ready', '/_health'])('%s answers HEAD with the head of GET, and other methods 405', async (target) => {
    const got = await doors.ask(target);
    const head = await doors.ask({ method: 'HEAD', path: target });
    expect([head.status, head.body.length, head.headers]).toEqual([200, 0, got.headers]);
    for (const method of ['POST', 'DELETE', 'OPTIONS']) {
      const answer = await doors.ask({ method, path: target });
      expect([answer.status, answer.headers.get('allow'), answer.json()]).toEqual([
        405,
        'GET, HEAD',
        { error: `${target} does not answer ${method}, only GET, HEAD`, code: 'METHOD_NOT_ALLOWED' },
      ]);
    }
  });

  test.each(['/_readyness', '/_ready/x', '/_healthy', '/x/_ready', '/_PLUGIN/_ready'])('%s is neither', async (target) => {
    expect((await doors.ask(target)).status).toBe(404);
  });

  test('a client may ask as if it was a proxy', async () => {
    expect((await doors.ask('http://plugins.test/_health')).json()).toEqual({ status: 'ok' });
  });

  test('a required plugin that rests is named, until it is well again by itself', async () => {
    const server = doors.fast;
    const ask = async (func: string): Promise<string> => (await fetch(`${server.url}/_PLUGIN/life/${func}`)).text();
    await until(async () => {
      const pid = await ask('Pid');
      await ask('Fall');
      await until(async () => (await ask('Pid')) !== pid);
      return (await readyOf(server))[0] === 503;
    });
    expect(await readyOf(server)).toEqual([503, { status: 'not ready', plugins: [{ name: 'life', state: 'resting' }] }]);
    expect((await fetch(`${server.url}/_health`)).status).toBe(200);
    await until(async () => (await readyOf(server))[0] === 200);
    expect(await ask('Hello')).toBe('hello');
  });
});

test('a server says what it lacks, and is ready by itself when it is there', async () => {
  const cwd = scratch();
  const put = (name: string): void => cpSync(compileFixture('life.c'), path.join(cwd, `lib/${name}.so`));
  mkdirSync(path.join(cwd, 'lib'));
  put('db');
  const section = (name: string, more: string): string => `[plugin.${name}]\nrequired = true\n${more}\n[plugin.${name}.config]\nnotes = "${cwd}/notes"\nname = "${name}"\n`;
  writeFileSync(path.join(cwd, 'prest.toml'), section('db', '') + `gate = "${cwd}/gate"\n` + section('web', 'after = ["db"]'));
  const server = await start(cwd);
  await until(() => existsSync(path.join(cwd, 'notes')));
  expect(await readyOf(server)).toEqual([503, { status: 'not ready', plugins: [{ name: 'db', state: 'opening' }, { name: 'web', state: 'opening' }] }]);
  writeFileSync(path.join(cwd, 'gate'), '');
  const web = { name: 'web', state: 'failed', error: 'no library web.so in pluginpath' };
  await until(async () => JSON.stringify(await readyOf(server)) === JSON.stringify([503, { status: 'not ready', plugins: [web] }]));
  put('web');
  await until(async () => (await readyOf(server))[0] === 200);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test('a server with a plugin that comes after nobody does not start', async () => {
  const cwd = scratch();
  writeFileSync(path.join(cwd, 'prest.toml'), '[plugin.web]\nafter = ["nobody"]\n');
  await expect(startServer([], { cwd })).rejects.toThrow(/prest\.toml:1: web comes after nobody, and there is no plugin of that name in \.\/lib/);
  await expect(startServer(['--workers', '2'], { cwd })).rejects.toThrow(/web comes after nobody/);
});

test('a server that stops is not ready', async () => {
  const gate = path.join(folder, 'gate');
  const cwd = scratch();
  mkdirSync(path.join(cwd, 'lib'));
  cpSync(compileFixture('gate.c'), path.join(cwd, 'lib/gate.so'));
  writeFileSync(path.join(cwd, 'prest.toml'), `[plugins]\nmode = "process"\n[plugin.gate.config]\ngate = "${gate}"\n`);
  const server = await start(cwd);
  const held = send(server.url, { path: '/_PLUGIN/gate/Wait' });
  // One that has begun its request before the stop, and ends it then.
  const late = connect(Number(new URL(server.url).port), '127.0.0.1');
  const answered = new Promise<Buffer>((resolve) => {
    const parts: Buffer[] = [];
    late.on('data', (part: Buffer) => parts.push(part)).on('close', () => resolve(Buffer.concat(parts)));
  });
  late.write('GET /_ready HTTP/1.1\r\n');
  await until(() => existsSync(`${gate}.begun`));
  server.process.kill('SIGTERM');
  await until(() => server.log().some(({ msg }) => String(msg).startsWith('SIGTERM')));
  late.write('Host: x\r\n\r\n');
  const answer = parseAnswer(await answered);
  expect([answer.status, answer.json()]).toEqual([503, { status: 'stopping' }]);
  writeFileSync(gate, '');
  expect(parseAnswer(await held).status).toBe(200);
  await server.exited();
});

test('the body of a request for it is not waited for', async () => {
  const { log } = recordedLog();
  const probes = new Probes(() => ({ ready: true, plugins: [] }), log);
  const server = createServer((req, res) => void probes.handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = parseAnswer(await send(url, { method: 'POST', path: '/_ready', body: 'x'.repeat(100_000) }));
  expect(answer.status).toBe(405);
  server.close();
});
