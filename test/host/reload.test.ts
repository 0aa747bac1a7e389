import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createPluginHost, type PluginHost, type PluginInfo, type PluginOptions } from '../../src';
import { messageOf } from '../../src/ground/errors';
import { compileFixture } from '../support/compile';
import { silentLog } from '../support/runtime';
import { scratch } from '../support/server';
import { until } from '../support/until';

let folder: string;
let pluginpath: string;
let host: PluginHost;

async function start(options: PluginOptions): Promise<void> {
  folder = scratch();
  pluginpath = path.join(folder, 'lib');
  mkdirSync(pluginpath);
  put(1);
  host = await createPluginHost({ pluginpath, plugin: { generation: { ...options, config: { folder } } } }, silentLog());
}

afterEach(async () => {
  writeFileSync(path.join(folder, 'gate'), '');
  await host.close();
});

/** Puts a library in place of the one that is there, as an installer does. */
function put(generation: number, ...flags: string[]): void {
  const library = compileFixture('generation.c', [`-DGENERATION=${generation}`, ...flags]);
  cpSync(library, path.join(pluginpath, 'new'));
  renameSync(path.join(pluginpath, 'new'), path.join(pluginpath, 'generation.so'));
}

const ask = async (func: string): Promise<string> => (await host.call('generation', func)).body.toString();
const info = async (): Promise<PluginInfo> => (await host.plugins())[0]!;
const life = (): string[] => {
  const place = path.join(folder, 'life');
  return existsSync(place) ? readFileSync(place, 'utf8').trimEnd().split('\n') : [];
};

describe.each(['thread', 'inline', 'process'] as const)('mode "%s"', (mode) => {
  test('the next generation is initialised, answers, and only then the last one is stopped', async () => {
    await start({ mode });
    expect(await ask('Number')).toBe('1');
    put(2);
    expect(await ask('Number')).toBe('1');
    expect(await host.reload('generation')).toBe(2);
    expect(await ask('Number')).toBe('2');
    await until(() => life().length === 3);
    expect(life()).toEqual(['init 1', 'init 2', 'stop 1']);
    expect(await info()).toMatchObject({ state: 'ready', generation: 2, mode });
  });

  test('what can not be opened leaves the last generation as it is', async () => {
    await start({ mode });
    await ask('Number');
    writeFileSync(path.join(pluginpath, 'new'), 'no library');
    renameSync(path.join(pluginpath, 'new'), path.join(pluginpath, 'generation.so'));
    await expect(host.reload('generation')).rejects.toMatchObject({ code: 'LOAD_FAILED' });
    expect(await ask('Number')).toBe('1');
    expect(await info()).toMatchObject({ state: 'degraded', generation: 1, error: { code: 'LOAD_FAILED' } });
    put(2, '-DREFUSES');
    await expect(host.reload('generation')).rejects.toMatchObject({ code: 'INIT_FAILED', message: /not today/ });
    expect(await ask('Number')).toBe('1');
    put(3);
    await host.reload('generation');
    expect(await ask('Number')).toBe('3');
    expect(await info()).toMatchObject({ state: 'ready', generation: 2 });
    expect((await info()).error).toBeUndefined();
  });

  test('a trial decides', async () => {
    await start({ mode, trial: 'Health' });
    await ask('Number');
    put(2, '-DHEALTH=503');
    await expect(host.reload('generation')).rejects.toMatchObject({ code: 'TRIAL_FAILED', message: /GETHealthHandler answered 503/ });
    expect(await ask('Number')).toBe('1');
    await until(() => life().length === 3);
    expect(life()).toEqual(['init 1', 'init 2', 'stop 2']);
    put(3);
    await host.reload('generation');
    expect(await ask('Number')).toBe('3');
  });

  test('it goes back to the generation before', async () => {
    await start({ mode });
    await expect(host.rollback('generation')).rejects.toMatchObject({ code: 'BAD_CALL' });
    await ask('Number');
    put(2);
    await host.reload('generation');
    expect(await host.rollback('generation')).toBe(3);
    expect(await ask('Number')).toBe('1');
    // The file has not changed since: what is there was sent away.
    await host.reloadChanged();
    expect(await ask('Number')).toBe('1');
    expect(await host.rollback('generation')).toBe(4);
    expect(await ask('Number')).toBe('2');
  });

  test('a file that is written over in place touches nothing that runs', async () => {
    await start({ mode });
    await ask('Number');
    truncateSync(path.join(pluginpath, 'generation.so'), 100);
    expect(await ask('Health')).toBe('');
    await expect(host.reload('generation')).rejects.toMatchObject({ code: 'LOAD_FAILED' });
    expect(await ask('Number')).toBe('1');
  });

  test('what has changed is reloaded, what is gone is closed', async () => {
    await start({ mode });
    await ask('Number');
    await host.reloadChanged();
    expect(await info()).toMatchObject({ generation: 1 });
    put(2);
    await host.reloadChanged();
    expect(await ask('Number')).toBe('2');
    rmSync(path.join(pluginpath, 'generation.so'));
    await host.reloadChanged();
    await expect(ask('Number')).rejects.toMatchObject({ code: 'LIBRARY_NOT_FOUND' });
    expect(life().at(-1)).toBe('stop 2');
    put(3);
    expect(await ask('Number')).toBe('3');
  });

  test('nothing is left of it at the end', async () => {
    await start({ mode });
    await ask('Number');
    put(2);
    await host.reload('generation');
    await host.close();
    expect(readdirSync(path.join(pluginpath, '.dlserve'))).toEqual(['.gitignore']);
    expect(life().sort()).toEqual(['init 1', 'init 2', 'stop 1', 'stop 2']);
  });
});

describe.each(['thread', 'process'] as const)('mode "%s"', (mode) => {
  test('calls under way are finished by the generation that they began in', async () => {
    await start({ mode });
    const waiting = ask('Wait');
    await until(() => life().includes('wait 1'));
    put(2);
    await host.reload('generation');
    expect(await ask('Number')).toBe('2');
    expect(await info()).toMatchObject({ draining: 1 });
    writeFileSync(path.join(folder, 'gate'), '');
    expect(await waiting).toBe('1');
    await until(async () => (await info()).draining === 0);
    expect(life()).toEqual(['init 1', 'wait 1', 'init 2', 'stop 1']);
  });
});

test('calls that wait are not lost, however long all of them take', async () => {
  folder = scratch();
  pluginpath = path.join(folder, 'lib');
  mkdirSync(pluginpath);
  put(1);
  cpSync(path.join(pluginpath, 'generation.so'), path.join(pluginpath, 'leaving.so'));
  const options = { mode: 'thread', concurrency: 1, timeout: '1s', queuetimeout: '60s', config: { folder } } as const;
  host = await createPluginHost({ pluginpath, plugin: { generation: options, leaving: options } }, silentLog());
  // Longer than a handler may take, and the grace of a generation that ends.
  const naps = ['generation', 'leaving'].flatMap((name) => Array.from({ length: 60 }, () => host.call(name, 'Nap')));
  const answers = Promise.all(naps.map((nap) => nap.then(({ body }) => body.toString(), messageOf)));
  await until(async () => (await host.plugins()).every(({ state }) => state === 'ready'));
  put(2);
  await host.reload('generation');
  expect(await ask('Number')).toBe('2');
  rmSync(path.join(pluginpath, 'leaving.so'));
  await host.remove('leaving');
  expect(new Set(await answers)).toEqual(new Set(['1']));
  await until(() => life().filter((line) => line === 'stop 1').length === 2);
});

describe('where no copy can be made', () => {
  beforeEach(async () => {
    await start({ mode: 'thread' });
    writeFileSync(path.join(pluginpath, '.dlserve'), 'in the way');
  });

  test('the library is opened where it is, and can not be replaced in this process', async () => {
    expect(await ask('Number')).toBe('1');
    put(2);
    await expect(host.reload('generation')).rejects.toMatchObject({ code: 'LOAD_FAILED', message: /let the server write to its folder/ });
    expect(await ask('Number')).toBe('1');
  });

  test('a process of its own can be', async () => {
    await host.close();
    host = await createPluginHost({ pluginpath, plugin: { generation: { mode: 'process' } } }, silentLog());
    expect(await ask('Number')).toBe('1');
    put(2);
    await host.reload('generation');
    expect(await ask('Number')).toBe('2');
  });
});

test('a library that looks for others beside itself is copied beside them', async () => {
  await start({ mode: 'thread' });
  const beside = compileFixture('own_symbols_needed.c');
  cpSync(beside, path.join(pluginpath, 'libbeside.so'));
  const library = compileFixture('generation.c', ['-DGENERATION=2', '-Wl,--no-as-needed', path.join(pluginpath, 'libbeside.so'), '-Wl,-rpath,$ORIGIN']);
  cpSync(library, path.join(pluginpath, 'generation.so'));
  expect(await ask('Number')).toBe('2');
  expect(readdirSync(pluginpath).filter((name) => name.startsWith('.dlserve-open-'))).toHaveLength(1);
  await host.close();
  expect(readdirSync(pluginpath).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a generation that can not be unloaded is counted', async () => {
  folder = scratch();
  pluginpath = path.join(folder, 'lib');
  mkdirSync(pluginpath);
  cpSync(compileFixture('echo.c'), path.join(pluginpath, 'echo.so'));
  host = await createPluginHost({ pluginpath }, silentLog());
  await host.call('echo', 'Echo');
  await host.reload('echo');
  await until(async () => (await info()).draining === 0);
  expect(await info()).toMatchObject({ generation: 2, remains: 1 });
});

test('calls that wait behind one that hangs are answered by the process', async () => {
  await start({ mode: 'thread', timeout: '500ms', queuetimeout: '30s' });
  await ask('Number');
  const hung = ask('Wait');
  await until(() => life().includes('wait 1'));
  const behind = [ask('Number'), ask('Number')];
  const post = host.call('generation', 'Echo', { method: 'POST', body: 'all of it' });
  await expect(hung).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(await Promise.all(behind)).toEqual(['1', '1']);
  expect(JSON.parse((await post).body.toString())).toMatchObject({ method: 'POST', body: 'all of it' });
});

test('a plugin that holds a thread past its timeout goes on in a process', async () => {
  await start({ mode: 'thread', timeout: '300ms' });
  await expect(ask('Wait')).rejects.toMatchObject({ code: 'TIMEOUT' });
  await until(async () => (await info()).mode === 'process');
  expect(await ask('Number')).toBe('1');
  expect(await info()).toMatchObject({ state: 'degraded', error: { code: 'DEMOTED', message: /GETWaitHandler took longer/ } });
  put(2);
  await host.reloadChanged();
  expect(await ask('Number')).toBe('2');
  expect(await info()).toMatchObject({ state: 'ready', mode: 'thread' });
});

describe('what a plugin has shown', () => {
  test('goes with the file: the one before runs where it is configured to', async () => {
    await start({ mode: 'thread' });
    await ask('Number');
    put(2);
    await host.reload('generation');
    await host.demote('generation', 'it was seen');
    expect(await info()).toMatchObject({ mode: 'process', state: 'degraded', error: { code: 'DEMOTED' } });
    expect(await ask('Number')).toBe('2');
    await host.rollback('generation');
    expect(await ask('Number')).toBe('1');
    expect(await info()).toMatchObject({ mode: 'thread', state: 'ready' });
  });

  test('is not forgotten where the next one can not be opened', async () => {
    await start({ mode: 'thread' });
    await ask('Number');
    await host.demote('generation', 'it was seen');
    const library = path.join(pluginpath, 'generation.so');
    renameSync(library, path.join(folder, 'kept'));
    put(2, '-DREFUSES');
    await expect(host.reload('generation')).rejects.toMatchObject({ code: 'INIT_FAILED' });
    expect(await info()).toMatchObject({ mode: 'process', state: 'degraded', error: { code: 'INIT_FAILED' } });
    // The very file that has earned it.
    renameSync(path.join(folder, 'kept'), library);
    await host.reloadChanged();
    expect(await info()).toMatchObject({ generation: 3, mode: 'process', state: 'degraded', error: { code: 'DEMOTED' } });
    put(1);
    await host.reloadChanged();
    expect(await info()).toMatchObject({ mode: 'thread', state: 'ready' });
  });

  test('ends for one that is not open when somebody reloads it', async () => {
    await start({ mode: 'thread' });
    await host.demote('generation', 'it was seen');
    await host.reload('generation');
    expect(await info()).toMatchObject({ mode: 'thread', state: 'ready' });
  });

  test('is no fault of the file that takes its place meanwhile', async () => {
    await start({ mode: 'thread', trial: 'Wait' });
    await ask('Number');
    put(2);
    const reloaded = host.reload('generation');
    await until(() => life().includes('wait 2'));
    const demoted = host.demote('generation', 'it was seen');
    writeFileSync(path.join(folder, 'gate'), '');
    await Promise.all([reloaded, demoted]);
    expect(await ask('Number')).toBe('2');
    expect(await info()).toMatchObject({ mode: 'thread', state: 'ready', generation: 2 });
  });
});

test('what could not be opened is tried again by the next look, though its file is the same', async () => {
  folder = scratch();
  pluginpath = path.join(folder, 'lib');
  mkdirSync(pluginpath);
  const library = path.join(pluginpath, 'life.so');
  cpSync(compileFixture('life.c'), library);
  const disk = path.join(folder, 'disk');
  writeFileSync(disk, '');
  host = await createPluginHost({ pluginpath, plugin: { life: { config: { notes: path.join(folder, 'notes'), name: 'life', needs: disk } } } }, silentLog());
  await host.call('life', 'Hello');
  rmSync(disk);
  rmSync(library);
  cpSync(compileFixture('life.c'), library);
  await host.reloadChanged();
  expect(await info()).toMatchObject({ state: 'degraded', generation: 1, error: { code: 'INIT_FAILED' } });
  writeFileSync(disk, '');
  await host.reloadChanged();
  expect(await info()).toMatchObject({ state: 'ready', generation: 2 });
});

test('a plugin whose file is gone is not to be had at once, and comes back while its calls are finished', async () => {
  await start({ mode: 'thread' });
  const server = createServer((req, res) => void host.handle(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/_PLUGIN/generation/Number`;
  expect(await (await fetch(url)).text()).toBe('1');
  const waiting = ask('Wait');
  await until(() => life().includes('wait 1'));
  rmSync(path.join(pluginpath, 'generation.so'));
  const removed = host.remove('generation');
  await until(async () => (await fetch(url)).status === 404);
  put(2);
  expect(await (await fetch(url)).text()).toBe('2');
  writeFileSync(path.join(folder, 'gate'), '');
  expect(await waiting).toBe('1');
  await removed;
  expect(life().at(-1)).toBe('stop 1');
  server.close();
});

test('a host that is closed opens nothing any more', async () => {
  await start({ mode: 'thread' });
  await ask('Number');
  await host.close();
  put(2);
  await expect(host.reload('generation')).rejects.toMatchObject({ code: 'STOPPING' });
  await expect(host.rollback('generation')).rejects.toMatchObject({ code: 'STOPPING' });
  expect(life()).toEqual(['init 1', 'stop 1']);
});
