import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createPluginHost, type HostOptions, type PluginHost } from '../../src';
import { compileFixture } from '../support/compile';
import { recordedLog, type RecordedLog } from '../support/log';
import { scratch } from '../support/server';
import { until } from '../support/until';

type Plugin = NonNullable<HostOptions['plugin']>[string];

/** A host of libraries that write their lives down. */
interface House extends RecordedLog {
  readonly host: PluginHost;
  readonly pluginpath: string;
  /** What they have written so far. */
  readonly lives: () => string[];
  /** Where something may be that they wait for. */
  readonly file: (name: string) => string;
  /** Puts it there. */
  readonly put: (name: string) => void;
}

const hosts: PluginHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close(1000)));
});

/** @param plugins what the configuration says of each; of their `config`, the values are names of files */
async function house(plugins: Readonly<Record<string, Plugin>>, options: HostOptions = {}, without: readonly string[] = []): Promise<House> {
  const folder = scratch();
  const pluginpath = path.join(folder, 'lib');
  mkdirSync(pluginpath);
  const file = (name: string): string => path.join(folder, name);
  const configured = Object.entries(plugins).map(([name, { config = {}, ...rest }]) => {
    if (!without.includes(name)) cpSync(compileFixture('life.c'), path.join(pluginpath, `${name}.so`));
    const files = Object.entries(config).map(([key, value]) => [key, file(value as string)]);
    return [name, { ...rest, config: { notes: file('notes'), name, ...Object.fromEntries(files) as object } }] as const;
  });
  const recorded = recordedLog();
  const host = await createPluginHost({ pluginpath, plugin: Object.fromEntries(configured), ...options }, recorded.log);
  hosts.push(host);
  return {
    ...recorded,
    host,
    pluginpath,
    lives: () => (existsSync(file('notes')) ? readFileSync(file('notes'), 'utf8').trimEnd().split('\n') : []),
    file,
    put: (name) => writeFileSync(file(name), ''),
  };
}

const codeOf = (asked: Promise<unknown>): Promise<unknown> => asked.then(() => 'none', (error: unknown) => (error as { code: string }).code);
const statesOf = async (host: PluginHost): Promise<Record<string, string>> => Object.fromEntries((await host.plugins()).map(({ name, state }) => [name, state]));

describe.each(['thread', 'process', 'inline'] as const)('in mode %s', (mode) => {
  test('plugins start with the server, each behind those it comes after, and stop the other way round', async () => {
    const { host, lives } = await house(
      { web: { after: ['db', 'log'], start: 'server' }, db: { after: ['log'] }, log: {}, mail: { start: 'server' }, idle: { after: ['web'] } },
      { plugins: { mode } },
    );
    expect(await host.start()).toEqual([]);
    const started = lives();
    expect([...started].sort()).toEqual(['start db', 'start log', 'start mail', 'start web']);
    expect(started.filter((line) => line !== 'start mail')).toEqual(['start log', 'start db', 'start web']);
    expect(await statesOf(host)).toEqual({ db: 'ready', idle: 'found', log: 'ready', mail: 'ready', web: 'ready' });
    await host.close();
    const stopped = lives().slice(started.length);
    expect([...stopped].sort()).toEqual(['stop db', 'stop log', 'stop mail', 'stop web']);
    expect(stopped.filter((line) => line !== 'stop mail')).toEqual(['stop web', 'stop db', 'stop log']);
  });

  test('the first request of a plugin opens those it comes after, once', async () => {
    const { host, lives } = await house({ web: { after: ['db'] }, ads: { after: ['web', 'db'] }, db: {} }, { plugins: { mode } });
    expect(await host.start()).toEqual([]);
    expect(lives()).toEqual([]);
    await Promise.all([host.call('ads', 'Hello'), host.call('web', 'Hello'), host.call('ads', 'Hello')]);
    expect(lives()).toEqual(['start db', 'start web', 'start ads']);
    await host.close();
    expect(lives().slice(3)).toEqual(['stop ads', 'stop web', 'stop db']);
  });
});

test('independent ones start and stop beside each other', async () => {
  const { host, lives, put } = await house({
    db: { start: 'server', config: { gate: 'db.go' } },
    log: { start: 'server', config: { gate: 'log.go' } },
    web: { start: 'server', after: ['db'] },
    mail: { start: 'server', after: ['log'] },
  });
  await until(() => lives().length === 2);
  put('log.go');
  await until(() => lives().includes('start mail'));
  expect((await host.call('mail', 'Hello')).status).toBe(200);
  expect(lives()).not.toContain('start db');
  put('db.go');
  expect(await host.start()).toEqual([]);
  expect(lives().slice(-2)).toEqual(['start db', 'start web']);
});

test('what can not start stops only what comes after it, which is tried again when it is there', async () => {
  const { host, lives, put, lines } = await house({
    db: { config: { needs: 'disk' } },
    web: { start: 'server', after: ['db'] },
    ads: { start: 'server', after: ['web'] },
    mail: { start: 'server' },
  });
  const errors = (await host.start()).map(({ plugin, error }) => [plugin, (error as { code: string }).code]);
  expect(Object.fromEntries(errors)).toEqual({ db: 'INIT_FAILED', web: 'START_BLOCKED', ads: 'START_BLOCKED' });
  expect(lives()).toEqual(['start mail']);
  await until(async () => (await statesOf(host)).ads === 'failed');
  expect(await statesOf(host)).toEqual({ ads: 'failed', db: 'failed', mail: 'ready', web: 'failed' });
  await expect(host.call('web', 'Hello')).rejects.toMatchObject({
    code: 'START_BLOCKED',
    status: 503,
    message: 'web comes after db, which could not be started: PluginInit of db.so failed: what it needs is not there',
  });
  const said = lines.filter(({ level }) => level === 50).map(({ plugin, code }) => [plugin, code]);
  expect(Object.fromEntries(said)).toEqual({ db: 'INIT_FAILED', web: 'START_BLOCKED', ads: 'START_BLOCKED' });
  expect(said).toHaveLength(3);
  put('disk');
  await until(() => lives().includes('start ads'));
  expect(lives()).toEqual(['start mail', 'start db', 'start web', 'start ads']);
});

test('a plugin that is there by a request starts those that waited for it', async () => {
  const { host, lives, file } = await house({ db: {}, web: { start: 'server', after: ['db'] } }, {}, ['db']);
  expect((await host.start()).map(({ plugin }) => plugin).sort()).toEqual(['db', 'web']);
  await until(async () => (await statesOf(host)).web === 'failed');
  cpSync(compileFixture('life.c'), file('lib/db.so'));
  await host.call('db', 'Hello');
  // Long before it would be tried again anyway.
  await until(() => lives().includes('start web'), 3000);
});

describe('closing', () => {
  test('takes no new calls anywhere while one waits for those that come after it', async () => {
    const { host, lives, put } = await house({ db: {}, web: { after: ['db'], config: { stopgate: 'go' } } });
    await host.call('web', 'Hello');
    const closed = host.close();
    expect(await codeOf(host.call('db', 'Hello'))).toBe('STOPPING');
    expect(await statesOf(host)).toEqual({ db: 'draining', web: 'draining' });
    expect(lives()).toEqual(['start db', 'start web']);
    put('go');
    await closed;
    expect(lives().slice(2)).toEqual(['stop web', 'stop db']);
    expect(await statesOf(host)).toEqual({ db: 'stopped', web: 'stopped' });
  });

  test.each(['thread', 'process'] as const)('does not let one that hangs take the last words of another, mode %s', async (mode) => {
    const { host, lives, put } = await house({ db: {}, web: { after: ['db'], config: { stopgate: 'go' } } }, { plugins: { mode } });
    await host.call('web', 'Hello');
    await host.close(200);
    expect(lives()).toContain('stop db');
    put('go');
  });

  test('does not wait for one that never comes to its start', async () => {
    const { host, lives, put } = await house({ db: {}, slow: { start: 'server', after: ['db'], config: { gate: 'never' } } }, { plugins: { mode: 'process' } });
    await until(() => lives().includes('wait slow'));
    await host.close(200);
    expect(lives()).toEqual(['start db', 'wait slow', 'stop db']);
    put('never');
  });
});

describe('names', () => {
  test('that nobody has are no configuration', async () => {
    await expect(house({ web: { after: ['dv'] }, db: {} })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      message: expect.stringMatching(/^options: web comes after dv, and there is no plugin of that name in .*lib: did you mean db\?$/) as string,
    });
    await expect(house({ a: { after: ['b'] }, b: { after: ['a'] } })).rejects.toMatchObject({ code: 'BAD_CONFIG', message: 'options: a comes after b, which comes after a: no plugin can be opened before itself' });
  });

  test('may be those of sources', async () => {
    const pluginpath = scratch();
    mkdirSync(path.join(pluginpath, 'src'));
    writeFileSync(path.join(pluginpath, 'src/db.c'), 'char *GETHelloHandler(void) { return "1"; }\n');
    cpSync(compileFixture('echo.c'), path.join(pluginpath, 'echo.so'));
    const host = await createPluginHost({ pluginpath, plugin: { echo: { after: ['db'], start: 'server' } } }, recordedLog().log);
    hosts.push(host);
    expect(await host.start()).toEqual([]);
    expect(await statesOf(host)).toEqual({ db: 'ready', echo: 'ready' });
  });

  test('of all plugins count where all start with the server', async () => {
    const { host, lives } = await house({ a: {}, b: {} }, { plugins: { start: 'server', after: ['a'] } });
    expect(await host.start()).toEqual([]);
    expect(lives()).toEqual(['start a', 'start b']);
  });
});

describe('readiness', () => {
  test('is that of the plugins that are required', async () => {
    const { host, put } = await house({ db: { required: true, config: { gate: 'go' } }, web: { required: true }, mail: { start: 'server', config: { needs: 'nothing' } } });
    await until(() => host.readiness().plugins.some(({ ready }) => ready));
    expect(host.readiness()).toEqual({ ready: false, plugins: [{ name: 'db', state: 'opening', ready: false }, { name: 'web', state: 'ready', ready: true }] });
    put('go');
    await until(() => host.readiness().ready);
    expect(host.readiness().plugins).toEqual(['db', 'web'].map((name) => ({ name, state: 'ready', ready: true })));
    await host.close();
    expect(host.readiness()).toMatchObject({ ready: false, plugins: [{ state: 'stopped' }, { state: 'stopped' }] });
  });

  test('has the reason', async () => {
    const { host, lines } = await house({ db: { required: true, config: { needs: 'disk' } }, web: { required: true, after: ['db'] }, gone: { required: true } }, {}, ['gone']);
    await host.start();
    expect(host.readiness()).toMatchObject({
      ready: false,
      plugins: [
        { name: 'db', state: 'failed', error: { code: 'INIT_FAILED' } },
        { name: 'gone', state: 'failed', error: { code: 'LIBRARY_NOT_FOUND' } },
        { name: 'web', state: 'failed', error: { code: 'START_BLOCKED' } },
      ],
    });
    expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('gone could not be started, and is tried again: no library gone.so'));
  });

  test('is there where nothing is required', async () => {
    const { host } = await house({ db: {} });
    expect(host.readiness()).toEqual({ ready: true, plugins: [] });
  });
});

test('a plugin that starts with the server is opened again when its file comes back, and is waited for meanwhile', async () => {
  const { host, pluginpath, lives } = await house({ db: { required: true } });
  await host.start();
  const library = path.join(pluginpath, 'db.so');
  rmSync(library);
  await host.reloadChanged();
  await until(() => host.readiness().plugins[0]?.error?.code === 'LIBRARY_NOT_FOUND');
  expect(host.readiness().ready).toBe(false);
  cpSync(compileFixture('life.c'), library);
  await host.changed('db');
  expect(host.readiness().ready).toBe(true);
  expect(lives()).toEqual(['start db', 'stop db', 'start db']);
});

test('a plugin that is to start with the server and comes later is opened when it comes', async () => {
  const { host, pluginpath, lives } = await house({ late: { start: 'server' } }, {}, ['late']);
  cpSync(compileFixture('life.c'), path.join(pluginpath, 'late.so'));
  await host.reloadChanged();
  expect(lives()).toEqual(['start late']);
});
