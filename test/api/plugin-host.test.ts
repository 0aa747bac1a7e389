import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createPluginHost, DlserveError, type HostOptions, type PluginEvents, type PluginHost } from '../../src';
import { compileFixture } from '../support/compile';
import { embed } from '../support/embed';
import { recordedLog } from '../support/log';
import { scratch } from '../support/server';
import { until } from '../support/until';

const hosts: PluginHost[] = [];

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

async function open(fixtures: readonly string[], options?: HostOptions): Promise<{ host: PluginHost; pluginpath: string }> {
  const embedded = await embed(fixtures, options);
  hosts.push(embedded.host);
  return embedded;
}

test('host.handle is all that node:http needs', async () => {
  const { host } = await open(['echo.c']);
  const server = createServer((req, res) => {
    if (!host.handle(req, res)) res.writeHead(404).end('not mine');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await (await fetch(`${url}/_PLUGIN/echo/Echo`, { method: 'POST', body: 'x' })).json()).toMatchObject({ body: 'x' });
  expect(await (await fetch(`${url}/elsewhere`)).text()).toBe('not mine');
  server.closeAllConnections();
  server.close();
});

describe('host.plugins', () => {
  test('tells how each plugin is, in every state', async () => {
    const { host, pluginpath } = await open(['echo.c', 'init_fails.c', 'crash.c', 'gate.c'], {
      plugin: { crash: { mode: 'process' }, gate: { mode: 'process', config: { gate: '/no/such/gate' } } },
    });
    writeFileSync(path.join(pluginpath, 'text.so'), 'hello');
    const states = async (): Promise<Record<string, string>> => Object.fromEntries((await host.plugins()).map(({ name, state }) => [name, state]));
    expect(await states()).toEqual({ crash: 'found', echo: 'found', gate: 'found', init_fails: 'found', text: 'failed' });

    await host.call('echo', 'Echo');
    await host.call('init_fails', 'Never').catch(() => undefined);
    await host.call('crash', 'Fault').catch(() => undefined);
    await until(async () => (await host.plugins())[0]!.faults.length > 0);
    const [crash, echo, , fails, text] = await host.plugins();
    expect(echo).toEqual({
      name: 'echo',
      kind: 'library',
      mode: 'thread',
      state: 'ready',
      handlers: [{ method: 'GET', path: '/_PLUGIN/echo/Echo' }, { method: 'POST', path: '/_PLUGIN/echo/Echo' }],
      processes: [],
      generation: 1,
      draining: 0,
      remains: 0,
      faults: [],
    });
    expect(crash).toMatchObject({
      mode: 'process',
      state: 'ready',
      faults: [{ kind: 'crash', signal: 'SIGSEGV', calls: [{ handler: 'GETFaultHandler' }], reason: 'crashed: ended by SIGSEGV' }],
    });
    expect(fails).toMatchObject({ state: 'failed', error: { code: 'INIT_FAILED' }, handlers: [] });
    expect(text).toMatchObject({ state: 'failed', error: { code: 'LOAD_FAILED' } });

    const { processes } = (await host.plugins())[0]!;
    expect(processes).toHaveLength(1);
    expect((await host.call('gate', 'Pid')).body.toString()).toBe(String((await host.plugins())[2]!.processes[0]));
    await host.close();
    expect(await states()).toEqual({ crash: 'stopped', echo: 'stopped', gate: 'stopped', init_fails: 'stopped', text: 'failed' });
  });

  test('tells of sources that are built, or can not be', async () => {
    const { host: nobody, pluginpath } = await open([]);
    await nobody.close();
    mkdirSync(path.join(pluginpath, 'src'));
    writeFileSync(path.join(pluginpath, 'src/good.c'), 'char *GETGoodHandler(void) { return "1"; }\n');
    writeFileSync(path.join(pluginpath, 'src/bad.c'), 'char *GETBadHandler(void) { return }\n');
    const { log } = recordedLog();
    const host = await createPluginHost({ pluginpath }, log);
    hosts.push(host);
    const built: PluginEvents['built'][0][] = [];
    host.on('built', (event) => built.push(event));
    await until(async () => (await host.plugins()).some(({ state }) => state === 'building'));
    await host.ready();
    expect((await host.plugins()).map(({ name, state, error }) => [name, state, error?.code])).toEqual([
      ['bad', 'failed', 'BUILD_FAILED'],
      ['good', 'found', undefined],
    ]);
    expect(built.map(({ name, state }) => `${name} ${state}`).sort()).toEqual(['bad building', 'bad failed', 'good building', 'good built']);
  });
});

test('events tell of states and faults as they come', async () => {
  const { host } = await open(['crash.c', 'idle_thread_crash.c'], { plugins: { mode: 'process', crashes: 1, rest: '200ms' } });
  const states: string[] = [];
  const faults: string[] = [];
  host.on('state', ({ plugin, state }) => states.push(`${plugin} ${state}`));
  host.on('fault', ({ plugin, fault }) => faults.push(`${plugin} ${fault.kind} in ${fault.handler}, ${fault.calls.map(({ handler }) => handler).join()}`));
  const ask = (plugin: string, func: string): Promise<number | undefined> => host.call(plugin, func).then(({ status }) => status, () => undefined);
  await ask('crash', 'Fault');
  await until(() => faults.length === 1);
  for (let i = 2; i <= 3; i++) {
    await until(async () => (await ask('idle_thread_crash', 'Fault')) === 200);
    await until(() => faults.length === i);
  }
  await until(async () => (await ask('idle_thread_crash', 'Echo')) === 200);
  await host.close();
  expect(faults).toEqual(['crash crash in GETFaultHandler, GETFaultHandler', ...Array<string>(2).fill('idle_thread_crash crash in undefined, ')]);
  expect(states.filter((state) => state.startsWith('idle'))).toEqual(
    ['opening', 'ready', 'resting', 'ready', 'draining', 'stopped'].map((state) => `idle_thread_crash ${state}`),
  );
});

test('a listener that throws does so beside the host', async () => {
  const program = `
    const { createPluginHost } = require(${JSON.stringify(path.resolve(__dirname, '../../dist'))});
    const seen = [];
    process.on('uncaughtException', ({ message }) => seen.push(message));
    createPluginHost({ pluginpath: process.argv[1], plugins: { mode: 'process' } }).then(async (host) => {
      for (const event of ['state', 'fault']) host.on(event, () => { throw new Error(event); });
      const ask = (func) => host.call('crash', func).then(({ status }) => status, ({ code }) => code);
      console.log(await ask('Echo'), await ask('Fault'), await ask('Echo'), (await host.plugins())[0].state);
      await host.close();
      await new Promise(setImmediate);
      console.log([...new Set(seen)].sort().join(' '));
    });
  `;
  const { host, pluginpath } = await open(['crash.c']);
  await host.close();
  const { stdout } = spawnSync(process.execPath, ['-e', program, pluginpath], { encoding: 'utf8', timeout: 60_000 });
  expect(stdout).toBe('200 PLUGIN_CRASHED 200 ready\nfault state\n');
});

test('a call that hangs in mode "thread" is a fault', async () => {
  const gate = path.join(scratch(), 'gate');
  const { host } = await open(['gate.c'], { plugin: { gate: { timeout: '300ms', config: { gate } } } });
  const faults: unknown[] = [];
  host.on('fault', (report) => faults.push(report));
  await host.call('gate', 'Pid');
  await expect(host.call('gate', 'Wait', { timeout: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(faults).toEqual([]);
  await until(() => faults.length > 0);
  expect(faults).toEqual([{ plugin: 'gate', fault: expect.objectContaining({ kind: 'hang', calls: [expect.objectContaining({ handler: 'GETWaitHandler' })] }) as unknown }]);
  writeFileSync(gate, '');
});

test('it can be disposed of', async () => {
  const { host } = await embed(['echo.c']);
  await host.call('echo', 'Echo');
  await host[Symbol.asyncDispose]();
  await expect(host.call('echo', 'Echo')).rejects.toMatchObject({ code: 'STOPPING' });
});

test('each host of a process has its own copy of a library, with its own configuration', async () => {
  const pluginpath = scratch();
  cpSync(compileFixture('init_config.c'), path.join(pluginpath, 'init_config.so'));
  const ask = async (config: Record<string, unknown>): Promise<string> => {
    const host = await createPluginHost({ pluginpath, plugin: { init_config: { config } } });
    hosts.push(host);
    return (await host.call('init_config', 'Config')).body.toString();
  };
  expect([await ask({ n: 1 }), await ask({ n: 2 })]).toEqual(['1 {"n":1}', '1 {"n":2}']);
  await Promise.all(hosts.splice(0).map((host) => host.close()));
  expect(readdirSync(path.join(pluginpath, '.dlserve'))).toEqual(['.gitignore']);
});

describe('the options', () => {
  test('are checked as a file is', async () => {
    await expect(createPluginHost({ plugins: { timeout: 'soon' } })).rejects.toThrow(DlserveError);
    await expect(createPluginHost({ plugins: { timeout: 'soon' } })).rejects.toThrow(/plugins\.timeout.*"soon"/);
  });

  test('that are unknown, or have no effect, are told', async () => {
    const { log, lines } = recordedLog();
    const options = { pluginpth: '/x', http: { port: 80, workers: 2 }, plugins: { workers: 3 }, plugin: { x: { memory: '64MB' } } };
    hosts.push(await createPluginHost(options as unknown as HostOptions, log));
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [40, 'options: unknown key pluginpth: did you mean `pluginpath`?'],
      [40, 'options: plugins.workers has an effect in mode "process" only, and no plugin runs in it'],
      [40, 'options: plugin.x.memory has an effect in mode "process" only, and x runs in mode "thread"'],
      [40, 'options: http.port has no effect here: it is for the server that dlserve starts, and this host is served by yours'],
      [40, 'options: http.workers has no effect here: it is for the server that dlserve starts, and this host is served by yours'],
    ]);
  });

  test('without a logger warnings and errors go to standard error, and nothing else', () => {
    const program = `
      const { createPluginHost } = require(${JSON.stringify(path.resolve(__dirname, '../../dist'))});
      createPluginHost({ pluginpath: process.argv[1], plugns: {} }).then((host) =>
        host.call('echo', 'Echo').then(() => host.close()));`;
    const pluginpath = scratch();
    cpSync(compileFixture('echo.c'), path.join(pluginpath, 'echo.so'));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program, pluginpath], { encoding: 'utf8' });
    const lines = stderr.trim().split('\n').map((line) => JSON.parse(line) as { level: number; msg: string });
    expect([status, stdout, lines.map(({ level, msg }) => [level, msg])]).toEqual([
      0,
      '',
      [[40, 'options: unknown key plugns: did you mean `plugins`?']],
    ]);
  });
});
