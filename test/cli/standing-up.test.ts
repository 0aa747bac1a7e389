import { cpSync, existsSync, renameSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { compileFixture } from '../support/compile';
import { scratch, type TestServer } from '../support/server';
import { until } from '../support/until';
import { childrenOf, folder, get, serve } from './support';

const ONE: readonly string[] = [];
const TWO: readonly string[] = ['--workers', '2'];
/** Each request by a connection of its own, so that each server process gets some. */
const APART = { headers: { connection: 'close' } };

const ask = (server: TestServer, target: string): Promise<[number, unknown]> => get(`${server.url}/_PLUGIN/${target}`, APART);

/** Makes a request whose server process ends before it has answered. */
const lose = (server: TestServer, target: string): Promise<void> => expect(ask(server, target)).rejects.toThrow();

/** The server processes, once so many listen. */
async function standing(server: TestServer, args: readonly string[]): Promise<number[]> {
  const count = args === TWO ? 2 : 1;
  const pids = await until(() => (childrenOf(server).length === count ? childrenOf(server) : undefined));
  const seen = new Set<unknown>();
  await until(async () => {
    // Each has answered once.
    seen.add(await ask(server, 'echo/Pid').then(([, pid]) => Number(pid), () => undefined));
    return pids.every((pid) => seen.has(pid)) || undefined;
  });
  return pids;
}

/** A fixture that counts nothing and answers with the process that it runs in. */
function folderWith(fixtures: readonly string[], toml = ''): string {
  const cwd = folder(fixtures, toml);
  cpSync(compileFixture('crash.c'), path.join(cwd, 'lib/echo.so'));
  return cwd;
}

const demotionOf = (server: TestServer, name: string): Promise<string> =>
  until(() => server.log().flatMap(({ level, plugin, msg }) => (level === 40 && plugin === name && String(msg).includes('mode "process" from now on') ? [String(msg)] : []))[0]);

describe.each([['one server process', ONE], ['two server processes', TWO]])('a plugin that crashes %s', (_, args) => {
  test.each([
    ['crash.c', 'SIGSEGV'],
    ['abort.c', 'SIGABRT'],
    ['exit_zero.c', 'exit status 0'],
  ])('is moved to a process of its own, where a crash costs one request (%s)', async (fixture, how) => {
    const { name } = path.parse(fixture);
    const server = await serve(folderWith([fixture]), args);
    await standing(server, args);
    await lose(server, `${name}/Fault`);
    const died = await until(() => server.log().find(({ running }) => running !== undefined));
    expect(died).toMatchObject({ level: 50, running: [{ plugin: name, symbol: 'GETFaultHandler' }] });
    expect(died.msg).toBe(`a server process died (${how}), in GETFaultHandler of ${name}; replacing it in 0 ms`);
    expect(await demotionOf(server, name)).toContain(`it crashed the server in GETFaultHandler (${how})`);
    const pids = await standing(server, args);
    for (let i = 0; i < 4; i++) {
      const [[crashed], [other, pid]] = await Promise.all([ask(server, `${name}/Fault`), ask(server, 'echo/Pid')]);
      expect([crashed, other, pids.includes(Number(pid))]).toEqual([502, 200, true]);
    }
    expect(childrenOf(server)).toEqual(pids);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test.each([
    ['init_crash.c', 'PluginInit', 'INIT_FAILED', 'thread'],
    ['init_crash.c', 'PluginInit', 'INIT_FAILED', 'inline'],
    ['constructor_crash.c', 'a constructor', 'LOAD_FAILED', 'thread'],
    ['constructor_crash.c', 'a constructor', 'LOAD_FAILED', 'inline'],
  ])('as it is opened is moved likewise (%s in %s: %s, mode %s)', async (fixture, symbol, code, mode) => {
    const { name } = path.parse(fixture);
    const server = await serve(folderWith([fixture]), [...args, '--mode', mode]);
    await standing(server, args);
    await lose(server, `${name}/Echo`);
    expect(await demotionOf(server, name)).toContain(`it crashed the server in ${symbol} (SIGSEGV)`);
    const pids = await standing(server, args);
    for (let i = 0; i < 4; i++) expect(await ask(server, `${name}/Echo`)).toEqual([500, expect.objectContaining({ code })]);
    expect(childrenOf(server)).toEqual(pids);
  });

  test('is found by what hangs on the event loop, too', async () => {
    const server = await serve(folderWith(['hang.c'], '[plugin.hang]\nmode = "inline"\ntimeout = "300ms"\n'), args);
    await standing(server, args);
    await lose(server, 'hang/Fault');
    await until(() => server.log().some(({ level, plugin, msg }) => level === 50 && plugin === 'hang' && String(msg).includes('GETFaultHandler of hang holds up the server for more than 300 ms')));
    expect(await demotionOf(server, 'hang')).toContain('it held up the server in GETFaultHandler (for more than 300 ms)');
    const pids = await standing(server, args);
    for (let i = 0; i < 4; i++) expect(await ask(server, 'hang/Fault')).toEqual([504, expect.objectContaining({ code: 'TIMEOUT' })]);
    expect(childrenOf(server)).toEqual(pids);
  });

  test('runs where it is configured to again once its file has changed', async () => {
    const cwd = folderWith(['crash.c']);
    const server = await serve(cwd, args);
    await standing(server, args);
    await lose(server, 'crash/Fault');
    await demotionOf(server, 'crash');
    const [first] = await standing(server, args);
    expect(childrenOf(server)).not.toContain(Number((await ask(server, 'crash/Pid'))[1]));
    cpSync(compileFixture('abort.c'), path.join(cwd, 'next.so'));
    renameSync(path.join(cwd, 'next.so'), path.join(cwd, 'lib/crash.so'));
    const killed = args === TWO ? childrenOf(server) : [first!];
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await until(() => !killed.some((pid) => childrenOf(server).includes(pid)));
    const pids = await standing(server, args);
    expect(pids).toContain(Number((await ask(server, 'crash/Pid'))[1]));
  });

  test('goes on doing so with demote = false', async () => {
    const server = await serve(folderWith(['crash.c'], '[plugin.crash]\ndemote = false\n'), args);
    for (let i = 1; i <= 2; i++) {
      await standing(server, args);
      await lose(server, 'crash/Fault');
      await until(() => server.log().filter(({ msg }) => String(msg).includes('of crash: in mode "process" a crash costs one request')).length === i);
    }
    await standing(server, args);
    expect(server.log().filter(({ msg }) => String(msg).includes('from now on'))).toEqual([]);
  });
});

test('of several plugins that ran, each may have done it, and is moved', async () => {
  const gate = path.join(scratch(), 'gate');
  const server = await serve(folderWith(['crash.c', 'gate.c'], `[plugin.gate.config]\ngate = "${gate}"\n`));
  const waiting = lose(server, 'gate/Wait');
  await until(() => existsSync(`${gate}.begun`));
  await lose(server, 'crash/Fault');
  await waiting;
  expect(await demotionOf(server, 'crash')).toContain('it crashed the server in GETFaultHandler, or another did in GETWaitHandler of gate (SIGSEGV)');
  expect(await demotionOf(server, 'gate')).toContain('it crashed the server in GETWaitHandler, or another did in GETFaultHandler of crash (SIGSEGV)');
  expect((await ask(server, 'gate/Begun'))[1]).toBe('0');
});

test('a server process that was killed from elsewhere accuses no plugin of what it ran', async () => {
  const gate = path.join(scratch(), 'gate');
  const server = await serve(folderWith(['gate.c'], `[plugin.gate.config]\ngate = "${gate}"\n`));
  const [pid] = await standing(server, ONE);
  const waiting = lose(server, 'gate/Wait');
  await until(() => existsSync(`${gate}.begun`));
  process.kill(pid!, 'SIGKILL');
  await waiting;
  await until(() => !childrenOf(server).includes(pid!));
  const [next] = await standing(server, ONE);
  expect(await ask(server, 'gate/Pid')).toEqual([200, String(next)]);
});

test('while the one server process stands up again, connections wait', async () => {
  const server = await serve(folderWith(['crash.c']));
  await standing(server, ONE);
  const port = Number(new URL(server.url).port);
  const connects = (): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve('connected');
      });
      socket.on('error', ({ message }) => resolve(message));
    });
  const outcomes = new Set<string>();
  const lost = lose(server, 'crash/Fault');
  await until(() => server.log().some(({ signal }) => signal === 'SIGSEGV'));
  const waited = get(`${server.url}/_PLUGIN/echo/Echo`, APART);
  const pids = childrenOf(server);
  await until(async () => {
    outcomes.add(await connects());
    return childrenOf(server).length === 1 && (pids.length === 0 || childrenOf(server)[0] === pids[0]) && (await waited)[0] === 200;
  });
  await lost;
  expect([...outcomes]).toEqual(['connected']);
});

describe.each([['one server process', ONE], ['two server processes', TWO]])('the parent of %s', (_, args) => {
  test('leaves nothing behind when it is killed, also what never ends', async () => {
    const { server, pids, hanging } = await hangInline(args);
    await server.stop('SIGKILL');
    await hanging;
    for (const pid of pids) await until(() => !existsSync(`/proc/${pid}`));
    await until(() => fetch(server.url).then(() => false, () => true));
  });

  test('ends at a second signal also what never ends', async () => {
    const { server, pids, hanging } = await hangInline(args);
    server.process.kill('SIGTERM');
    await until(() => server.log().some(({ msg }) => String(msg).startsWith('SIGTERM')));
    expect(await server.stop()).toEqual({ code: 1, signal: null });
    await hanging;
    for (const pid of pids) await until(() => !existsSync(`/proc/${pid}`));
  });
});

/** A server with a process whose event loop is in a handler for a minute. */
async function hangInline(args: readonly string[]): Promise<{ server: TestServer; pids: number[]; hanging: Promise<void> }> {
  const gate = path.join(scratch(), 'gate');
  const server = await serve(folderWith(['gate.c'], `[plugin.gate]\nmode = "inline"\n[plugin.gate.config]\ngate = "${gate}"\n`), args);
  const pids = await standing(server, args);
  const hanging = lose(server, 'gate/Wait');
  await until(() => existsSync(`${gate}.begun`));
  return { server, pids, hanging };
}

test('a plugin that crashes as it is stopped has the server say so, by its exit code too', async () => {
  const server = await serve(folderWith(['stop_crash.c']));
  expect((await ask(server, 'stop_crash/Echo'))[0]).toBe(200);
  expect(await server.stop()).toEqual({ code: 1, signal: null });
  await until(() => server.log().some(({ msg }) => msg === 'a server process died as it stopped (SIGABRT), in PluginStop of stop_crash'));
});

test('with every plugin in a process of its own there is no parent', async () => {
  const server = await serve(folderWith([]), ['--mode', 'process']);
  expect(childrenOf(server)).toEqual([]);
  expect((await ask(server, 'echo/Pid'))[0]).toBe(200);
});
