import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { scratch } from '../support/server';
import { until } from '../support/until';
import { folder, get, hasUnread, run, serve } from './support';

describe('a call', () => {
  test('that is late answers 504, keeps its slot, and does not keep the server from stopping', async () => {
    const gate = path.join(scratch(), 'gate');
    const server = await serve(folder(['gate.c', 'echo.c'], `[http]\nstoptimeout = "500ms"\n[plugin.gate]\ntimeout = "200ms"\ndemote = false\n[plugin.gate.config]\ngate = "${gate}"\n`));
    expect(await get(`${server.url}/_PLUGIN/gate/Wait`)).toEqual([
      504,
      { error: 'GETWaitHandler in gate took longer than 200 ms', code: 'TIMEOUT' },
    ]);
    // The one slot of the library is taken: the next call never begins.
    expect((await get(`${server.url}/_PLUGIN/gate/Begun`))[0]).toBe(504);
    expect((await get(`${server.url}/_PLUGIN/echo/Echo`))[0]).toBe(200);
    await until(() => server.log().some(({ plugin, msg }) => plugin === 'gate' && /thread/.test(String(msg))));
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test('whose thread comes back is followed by others', async () => {
    const gate = path.join(scratch(), 'gate');
    const server = await serve(folder(['gate.c'], `[plugins]\ntimeout = "200ms"\ndemote = false\n[plugin.gate.config]\ngate = "${gate}"\n`));
    // One that was late before it began has no thread to come back.
    await until(async () => (await get(`${server.url}/_PLUGIN/gate/Wait`))[0] === 504 && existsSync(`${gate}.begun`));
    writeFileSync(gate, '');
    expect(await until(async () => {
      const answer = await get(`${server.url}/_PLUGIN/gate/Begun`);
      return answer[0] === 200 ? answer : undefined;
    })).toEqual([200, '1']);
  });

  test('may have a shorter deadline, never a longer one', async () => {
    const gate = path.join(scratch(), 'gate');
    const server = await serve(folder(['gate.c'], `[plugin.gate]\nconcurrency = 8\ntimeout = "400ms"\n[plugin.gate.config]\ngate = "${gate}"\n`));
    const wait = (timeout: string): Promise<[number, unknown]> => get(`${server.url}/_PLUGIN/gate/Wait`, { headers: { 'X-Dlserve-Timeout': timeout } });
    expect((await wait('50ms'))[1]).toMatchObject({ error: 'GETWaitHandler in gate took longer than 50 ms' });
    expect((await wait('0ms'))[1]).toMatchObject({ error: 'GETWaitHandler in gate took longer than 0 ms' });
    expect((await wait('1m'))[1]).toMatchObject({ error: 'GETWaitHandler in gate took longer than 400 ms' });
  });

  test('one too many waiting answers 503', async () => {
    const gate = path.join(scratch(), 'gate');
    const server = await serve(folder(['gate.c'], `[plugins]\nqueue = 2\n[plugin.gate.config]\ngate = "${gate}"\n`));
    const waiting = Array.from({ length: 5 }, () => fetch(`${server.url}/_PLUGIN/gate/Wait`));
    const refused = await Promise.race(waiting);
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
      503, '1', { error: 'gate has 2 calls waiting already', code: 'OVERLOADED' },
    ]);
    writeFileSync(gate, '');
    const statuses = (await Promise.all(waiting)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 200, 503, 503]);
  });

  test('whose client goes away costs nothing', async () => {
    const server = await serve(folder(['echo.c']));
    const { port } = new URL(server.url);
    for (let i = 0; i < 50; i++) {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(`POST /_PLUGIN/echo/Echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf a body`);
        setImmediate(() => (i % 2 === 0 ? socket.resetAndDestroy() : socket.destroy()));
      });
      await new Promise((resolve) => socket.on('close', resolve));
    }
    expect((await get(`${server.url}/_PLUGIN/echo/Echo`))[0]).toBe(200);
    expect(server.log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  test.each(['thread', 'process'])('whose client leaves the queue is never made (mode %s)', async (mode) => {
    const gate = path.join(scratch(), 'gate');
    const server = await serve(folder(['gate.c'], `[plugins]\nqueue = 1\n[plugin.gate.config]\ngate = "${gate}"\n`), ['--mode', mode]);
    const first = get(`${server.url}/_PLUGIN/gate/Wait`);
    await until(() => existsSync(`${gate}.begun`));
    const leaving = new AbortController();
    const left = get(`${server.url}/_PLUGIN/gate/Wait`, { signal: leaving.signal }).catch(() => 'left');
    const statusOf = async (): Promise<number> => (await get(`${server.url}/_PLUGIN/gate/Begun`, { headers: { 'X-Dlserve-Timeout': '1ms' } }))[0];
    // The queue has one place: while the second call holds it others are refused, and wait again once it has left.
    await until(async () => (await statusOf()) === 503);
    leaving.abort();
    expect(await left).toBe('left');
    await until(async () => (await statusOf()) === 504);
    writeFileSync(gate, '');
    expect(await first).toEqual([200, 'through']);
    expect(await get(`${server.url}/_PLUGIN/gate/Begun`)).toEqual([200, '1']);
  });

  test.each(['thread', 'process'])('waits for its plugin no longer than its client, and is not made once that has gone (mode %s)', async (mode) => {
    const gate = path.join(scratch(), 'gate');
    // What waiting took of a client's own, longer deadline does not count against the plugin's.
    const toml = `[plugin.slow_init]\ntimeout = "1s"\n[plugin.slow_init.config]\ngate = "${gate}"\n`;
    const server = await serve(folder(['slow_init.c'], toml), ['--mode', mode]);
    const hello = `${server.url}/_PLUGIN/slow_init/Hello`;
    const leaving = new AbortController();
    const left = get(`${hello}?leaves`, { signal: leaving.signal }).catch(() => 'left');
    const patient = get(hello, { headers: { 'X-Dlserve-Timeout': '20s' } });
    const late = { error: 'GETHelloHandler in slow_init took longer than 50 ms', code: 'TIMEOUT' };
    const impatient = (): Promise<[number, unknown]> => get(hello, { headers: { 'X-Dlserve-Timeout': '50ms' } });
    expect(await impatient()).toEqual([504, late]);
    leaving.abort();
    expect(await left).toBe('left');
    // By the time of its answer the server has seen the other one leave.
    expect(await impatient()).toEqual([504, late]);
    const waiting = get(hello);
    await pause(1000);
    writeFileSync(gate, '');
    expect(await Promise.all([waiting, patient])).toEqual([[200, 'hello'], [200, 'hello']]);
    expect(await get(`${server.url}/_PLUGIN/slow_init/Calls`)).toEqual([200, '2']);
  });

  test('by another name of the same file goes to another plugin', async () => {
    const trace = path.join(scratch(), 'trace');
    const toml = ['stop', 'alias'].map((name) => `[plugin.${name}.config]\ntrace = "${trace}"\n`).join('');
    const cwd = folder(['stop.c'], toml);
    symlinkSync('stop.so', path.join(cwd, 'lib/alias.so'));
    const server = await serve(cwd);
    const call = (name: string): Promise<[number, unknown]> => get(`${server.url}/_PLUGIN/${name}/Call`);
    expect(await Promise.all([call('stop'), call('alias')])).toEqual([[200, 'called'], [200, 'called']]);
    await server.stop();
    const life = readFileSync(trace, 'utf8').trimEnd().split('\n');
    expect(life.sort()).toEqual(['call', 'call', 'init', 'init', 'stop', 'stop', 'unloaded', 'unloaded']);
  });

  test('first ones, many at once, load the library once', async () => {
    const server = await serve(folder(['init_config.c']));
    const answers = await Promise.all(Array.from({ length: 50 }, () => get(`${server.url}/_PLUGIN/init_config/Config`)));
    expect(new Set(answers.map(([status, body]) => `${status} ${JSON.stringify(body)}`))).toEqual(new Set(['200 "1 {}"']));
    expect(server.log().filter(({ msg }) => msg === 'plugin opened')).toHaveLength(1);
  });
});

describe('sources', () => {
  test('are built at start; a request waits for its own, and a failure is that plugin alone', async () => {
    const cwd = folder([]);
    mkdirSync(path.join(cwd, 'lib/src'));
    writeFileSync(path.join(cwd, 'lib/src/good.c'), 'char *GETGoodHandler(void) { return "good"; }\n');
    writeFileSync(path.join(cwd, 'lib/src/bad.c'), 'char *GETBadHandler(void) { return forgotten; }\n');
    const server = await serve(cwd);
    expect(await get(`${server.url}/_PLUGIN/good/Good`)).toEqual([200, 'good']);
    const [status, body] = await get(`${server.url}/_PLUGIN/bad/Bad`);
    expect([status, body]).toEqual([500, expect.objectContaining({ code: 'BUILD_FAILED' })]);
    await until(() => server.log().some(({ msg }) => /forgotten.* undeclared/.test(String(msg))));
    expect(server.log().map(({ msg }) => msg)).toEqual(expect.arrayContaining(['building good ...', 'building bad ...', 'built good']));
  });

  test('dlserve build says what the compiler says and fails', () => {
    const cwd = folder([]);
    mkdirSync(path.join(cwd, 'lib/src'));
    writeFileSync(path.join(cwd, 'lib/src/bad.c'), 'char *GETBadHandler(void) { return forgotten; }\n');
    writeFileSync(path.join(cwd, 'lib/src/good.c'), 'char *GETGoodHandler(void) { return "good"; }\n');
    const all = run(['build'], cwd);
    expect([all.code, all.stdout]).toEqual([1, expect.stringMatching(/bad: failed\ngood: built in .* s\n/)]);
    expect(all.stderr).toMatch(/^ *lib\/src\/bad\.c:1:36: error: .*forgotten.* undeclared/m);
    expect(run(['build', 'lib/src/good.c'], cwd)).toMatchObject({ code: 0, stdout: 'good: fresh\n' });
    const noFolder = scratch();
    writeFileSync(path.join(noFolder, 'lib'), '');
    expect(run(['build'], noFolder)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^dlserve: the sources .*ENOTDIR[^\n]*\n$/) as string });
    expect(run(['build', 'nope'], cwd)).toMatchObject({ code: 1, stderr: expect.stringContaining('nope') as string });
  });
});

describe('stopping', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s finishes what runs, calls PluginStop and exits 0', async (signal) => {
    const gate = path.join(scratch(), 'gate');
    const trace = path.join(scratch(), 'trace');
    const cwd = folder(['gate.c', 'stop.c'], `[plugin.gate.config]\ngate = "${gate}"\n[plugin.stop.config]\ntrace = "${trace}"\n`);
    const server = await serve(cwd);
    expect(await get(`${server.url}/_PLUGIN/stop/Call`)).toEqual([200, 'called']);
    const running = get(`${server.url}/_PLUGIN/gate/Wait`);
    await until(() => server.log().some(({ msg, plugin }) => msg === 'plugin opened' && plugin === 'gate'));
    server.process.kill(signal);
    await until(() => server.log().some(({ msg }) => String(msg).startsWith(signal)));
    await until(() => fetch(`${server.url}/_health`).then(() => undefined, () => true));
    writeFileSync(gate, '');
    expect(await running).toEqual([200, 'through']);
    expect(await server.exited()).toEqual({ code: 0, signal: null });
    expect(readFileSync(trace, 'utf8')).toMatch(/^init\ncall\nstop\n/);
  });

  test('ends the compilers, and leaves nothing half-built behind', async () => {
    const cwd = folder([]);
    mkdirSync(path.join(cwd, 'lib/src'));
    writeFileSync(path.join(cwd, 'lib/src/slow.c'), '');
    writeFileSync(path.join(cwd, 'cc'), '#!/bin/sh\ncase $1 in --version) exec cc $1;; esac\necho $$ > "$TRACE"\nexec sleep 600\n', { mode: 0o755 });
    const trace = path.join(cwd, 'compiler');
    const server = await serve(cwd, [], { CC: path.join(cwd, 'cc'), TRACE: trace });
    const compiler = await until(() => (existsSync(trace) ? Number(readFileSync(trace, 'utf8')) || undefined : undefined));
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(() => process.kill(compiler, 0)).toThrow('ESRCH');
    expect(readdirSync(path.join(cwd, 'lib/.dlserve')).filter((name) => name.startsWith('build-'))).toEqual([]);
  });

  test.each([[[]], [['--workers', '2']]])('sends an answer to its end, and waits for no connection without a request %j', async (more) => {
    const server = await serve(folder(['big_reply.c']), more);
    const { port } = new URL(server.url);
    const unused = connect(Number(port)).resume();
    await once(unused, 'connect');
    const reader = connect(Number(port));
    reader.write('GET /_PLUGIN/big_reply/BigReply HTTP/1.1\r\nHost: x\r\n\r\n');
    // Nothing is read: most of the answer waits in the server.
    await once(reader, 'readable');
    server.process.kill('SIGTERM');
    await until(() => server.log().some(({ msg }) => String(msg).startsWith('SIGTERM')));
    await once(unused, 'close');
    let received = 0;
    reader.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
    await once(reader, 'close');
    expect(received).toBeGreaterThan(64 * 1024 * 1024);
    expect(await server.exited()).toEqual({ code: 0, signal: null });
    expect(server.log().map(({ msg }) => msg)).not.toContainEqual(expect.stringContaining('cut off'));
  });

  test('answers what was sent behind a request that runs, and then ends the connection', async () => {
    const gate = path.join(scratch(), 'gate');
    const server = await serve(folder(['gate.c', 'echo.c'], `[plugin.gate.config]\ngate = "${gate}"\n`));
    const client = connect(Number(new URL(server.url).port));
    let text = '';
    client.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const requestFor = (target: string): string => `GET /_PLUGIN/${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
    client.write(requestFor('gate/Wait') + requestFor('echo/Echo?second'));
    await until(() => existsSync(`${gate}.begun`));
    server.process.kill('SIGTERM');
    await until(() => server.log().some(({ msg }) => String(msg).startsWith('SIGTERM')));
    await new Promise((resolve) => client.write(requestFor('echo/Echo?third'), resolve));
    await until(() => !hasUnread(server));
    writeFileSync(gate, '');
    await once(client, 'close');
    expect(text).toMatch(/through[^]*"second":[^]*"third":/);
    expect(await server.exited()).toEqual({ code: 0, signal: null });
  });

  test('cuts off what does not end within the limit', async () => {
    const gate = path.join(scratch(), 'gate');
    const server = await serve(folder(['gate.c'], `[http]\nstoptimeout = "300ms"\n[plugin.gate.config]\ngate = "${gate}"\n`));
    const cut = get(`${server.url}/_PLUGIN/gate/Wait`).catch(() => 'cut off');
    await until(() => server.log().some(({ msg }) => msg === 'plugin opened'));
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(await cut).toBe('cut off');
  });
});
