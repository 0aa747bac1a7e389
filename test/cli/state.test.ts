import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { childrenOf, folder, get, serve } from './support';
import { until } from '../support/until';
import type { TestServer } from '../support/server';

const ask = async ({ url }: TestServer, operation: object): Promise<unknown> => {
  const response = await fetch(`${url}/_PLUGIN/asks_any/Ask`, { method: 'POST', body: `state\n${JSON.stringify(operation)}` });
  const text = await response.text();
  const [, said, json] = /^(-?\d+) (.*)$/.exec(text) ?? [];
  return said === '0' ? JSON.parse(json!) : text;
};
const counted = (server: TestServer): Promise<unknown> => ask(server, { op: 'get', key: 'n' });

/** On each of their own connections, so that the server processes take turns. */
const thousand = async ({ url }: TestServer): Promise<number> => (await fetch(`${url}/_PLUGIN/asks_any/Thousand`, { headers: { connection: 'close' } })).status;

/** Says at the end of each process whether the package was loaded in it. */
const SPY = `process.on('exit', () => console.error(JSON.stringify({ msg: 'modules', level: Object.keys(require.cache).some((file) => file.includes('classic-level')), own: Object.keys(require.cache).some((file) => file.includes('own-state')) })));`;
const MISSING = `const { Module } = require('node:module'); const load = Module._load; Module._load = function (name, ...rest) { if (name === 'classic-level') throw new Error('Cannot find module ' + name); return load.call(this, name, ...rest); };`;

function preloaded(cwd: string, code: string): Record<string, string> {
  writeFileSync(path.join(cwd, 'preload.js'), code);
  return { NODE_OPTIONS: `--require ${path.join(cwd, 'preload.js')}` };
}

test.each(['thread', 'process'])('increments of four server processes sum up exactly, and outlive those (mode "%s")', async (mode) => {
  const server = await serve(folder(['asks_any.c']), ['--workers', '4', '--mode', mode]);
  await until(() => childrenOf(server).length === 4);
  const pids = new Set<unknown>();
  await until(async () => {
    pids.add((await get(`${server.url}/_PLUGIN/asks_any/Pid`, { headers: { connection: 'close' } }))[1]);
    return pids.size === 4;
  });
  expect(await Promise.all(Array.from({ length: 16 }, () => thousand(server)))).toEqual(Array(16).fill(200));
  expect(await counted(server)).toBe(16_000);

  const before = childrenOf(server);
  process.kill(before[0]!, 'SIGKILL');
  await until(() => childrenOf(server).length === 4 && !childrenOf(server).includes(before[0]!));
  expect(await counted(server)).toBe(16_000);
  await server.stop();
});

test('it outlives a plugin that crashes its server process, and a reload', async () => {
  const server = await serve(folder(['asks_any.c'], '[plugins]\nreload = "watch"\n'), ['--mode', 'thread']);
  expect(await ask(server, { op: 'set', key: 'n', value: 'kept' })).toBeNull();
  await fetch(`${server.url}/_PLUGIN/asks_any/Crash`).catch(() => undefined);
  expect(await until(async () => (await counted(server).catch(() => undefined)) as string | undefined)).toBe('kept');
  server.process.kill('SIGHUP');
  expect(await counted(server)).toBe('kept');
  await server.stop();
});

test('on disk it outlives the server, however that ends; and nothing of it is loaded before a plugin asks', async () => {
  const cwd = folder(['asks_any.c'], '[state]\nfile = "kept/state"\n');
  const env = preloaded(cwd, SPY);
  const first = await serve(cwd, [], env);
  expect((await get(`${first.url}/_PLUGIN/asks_any/Pid`))[0]).toBe(200);
  await first.stop();
  const loaded = (server: TestServer): unknown[] => server.log().filter(({ msg }) => msg === 'modules').map(({ level, own }) => [level, own]);
  expect(loaded(first)).toEqual([[false, false], [false, false]]);
  expect(readdirSync(cwd)).not.toContain('kept');

  const second = await serve(cwd);
  expect(await thousand(second)).toBe(200);
  await second.stop('SIGKILL');
  const third = await serve(cwd, [], env);
  // The server processes of the one before may still be on their way out, which is not what is held here.
  expect(await counted(third)).toBe(1000);
  await third.stop();
  expect(loaded(third).sort()).toEqual([[false, false], [true, true]]);
});

test('without the package that keeps it on disk, a plugin is told what to do', async () => {
  const cwd = folder(['asks_any.c'], '[state]\nfile = "state"\n');
  const server = await serve(cwd, [], preloaded(cwd, MISSING));
  expect(await ask(server, { op: 'get', key: 'n' })).toMatch(/^-4 \{"code":"STATE_UNAVAILABLE","message":"there is no state: the package classic-level.*install dlserve without --omit=optional/);
  await server.stop();
});
