import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { scratch } from '../support/server';
import { until } from '../support/until';
import { childrenOf, folder, freePort, get, serve } from './support';

describe('several server processes', () => {
  test('share the port, replace one that dies, and stop together', async () => {
    const server = await serve(folder(['echo.c']), ['--workers', '2']);
    expect((await get(`${server.url}/_PLUGIN/echo/Echo`))[0]).toBe(200);
    const children = (): number[] => childrenOf(server);
    const before = await until(() => (children().length === 2 ? children() : undefined));
    process.kill(before[0]!, 'SIGKILL');
    await until(() => server.log().some(({ worker, signal }) => worker === before[0] && signal === 'SIGKILL'));
    const after = await until(() => (children().length === 2 && !children().includes(before[0]!) ? children() : undefined));
    // A connection that node:cluster handed to the dying process at its last moment gets no answer: ask again.
    const ask = (): Promise<boolean> =>
      get(`${server.url}/_PLUGIN/echo/Echo`, { signal: AbortSignal.timeout(1000) }).then(([status]) => status === 200, () => false);
    await until(ask);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    for (const pid of after) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  test('are replaced even where the system fails for a while', async () => {
    const temporary = scratch();
    const server = await serve(folder(['echo.c']), ['--workers', '2'], { TMPDIR: temporary });
    const children = (): number[] => childrenOf(server);
    const [victim, other] = await until(() => (children().length === 2 ? children() : undefined));
    rmSync(temporary, { recursive: true });
    process.kill(victim!, 'SIGKILL');
    await until(() => server.log().some(({ msg }) => String(msg).startsWith('a server process can\'t be started')));
    mkdirSync(temporary);
    await until(() => children().length === 2 && !children().includes(victim!));
    expect(children()).toContain(other);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test('that can not be started any more say why, and are once they can', async () => {
    const cwd = folder(['echo.c', 'status.c'], '[plugin.echo]\nafter = ["status"]\n');
    const [there, away] = [path.join(cwd, 'lib/status.so'), path.join(cwd, 'status.so')];
    const server = await serve(cwd, ['--workers', '2']);
    const [victim] = await until(() => (childrenOf(server).length === 2 ? childrenOf(server) : undefined));
    renameSync(there, away);
    process.kill(victim!, 'SIGKILL');
    await until(() => server.log().some(({ msg }) => /^a server process can't start: prest\.toml:1: echo comes after status/.test(String(msg))));
    // It ends, and is followed by another.
    await until(() => server.log().filter(({ msg }) => String(msg).startsWith('a server process died (exit status 1)')).length > 1);
    renameSync(away, there);
    await until(async () => childrenOf(server).length === 2 && (await get(`${server.url}/_PLUGIN/echo/Echo`).then(([status]) => status === 200, () => false)));
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test('wait for sources that the primary compiles, and hear of its failures', async () => {
    const cwd = folder([]);
    mkdirSync(path.join(cwd, 'lib/src'));
    writeFileSync(path.join(cwd, 'lib/src/good.c'), 'char *GETGoodHandler(void) { return "good"; }\n');
    writeFileSync(path.join(cwd, 'lib/src/bad.c'), 'char *GETBadHandler(void) { return forgotten; }\n');
    const server = await serve(cwd, ['--workers', '2']);
    expect(await get(`${server.url}/_PLUGIN/good/Good`)).toEqual([200, 'good']);
    expect(await get(`${server.url}/_PLUGIN/bad/Bad`)).toEqual([500, expect.objectContaining({ code: 'BUILD_FAILED' })]);
    expect(server.log().filter(({ msg }) => msg === 'built good')).toHaveLength(1);
  });

  test('say which handler a process died in', async () => {
    const server = await serve(folder(['crash.c', 'echo.c']), ['--workers', '2']);
    const [func] = /(?<=GET)\w+(?=Handler)/.exec(readFileSync(path.resolve(__dirname, '../fixtures/native/crash.c'), 'utf8'))!;
    await expect(get(`${server.url}/_PLUGIN/crash/${func}`)).rejects.toThrow();
    const line = await until(() => server.log().find(({ signal }) => signal === 'SIGSEGV'));
    expect(line.running).toEqual([{ plugin: 'crash', symbol: `GET${func}Handler` }]);
    expect(line.msg).toContain(`in GET${func}Handler of crash`);
  });

  test('once the port takes a connection, it takes each', async () => {
    const port = await freePort();
    const answers = (): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.destroy();
          resolve(true);
        });
        socket.on('error', () => resolve(false));
      });
    const cwd = folder([]);
    // Whoever stops listening again does it slowly enough to be seen.
    writeFileSync(path.join(cwd, 'slow.js'), "const { prototype } = require('node:net').Server, { close } = prototype; prototype.close = function (...args) { setTimeout(() => close.apply(this, args), 300); return this; };");
    const server = serve(cwd, ['--workers', '2', '--port', String(port)], { NODE_OPTIONS: `--require ${path.join(cwd, 'slow.js')}` });
    const start = { isOver: false };
    void server.finally(() => (start.isOver = true));
    const attempts: boolean[] = [];
    while (!start.isOver) attempts.push(await answers());
    expect(attempts).toContain(true);
    expect(attempts.slice(attempts.indexOf(true))).not.toContain(false);
    expect((await get(`${(await server).url}/_health`))[0]).toBe(200);
  });

  test('keep a port that was chosen freely, even where all of them die at once', async () => {
    const server = await serve(folder([]), ['--workers', '2']);
    const before = await until(() => (childrenOf(server).length === 2 ? childrenOf(server) : undefined));
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await until(() => childrenOf(server).length === 2 && !childrenOf(server).some((pid) => before.includes(pid)));
    await until(() => get(`${server.url}/_health`).then(([status]) => status === 200, () => false));
  });
});
