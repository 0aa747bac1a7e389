import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { compileInnocent, isAlive } from '../runtimes/supervised/harness';
import { childrenOf, scratch, startServer, type ServerSetup, type TestServer } from '../support/server';
import { until } from '../support/until';

const servers: TestServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop('SIGKILL')));
});

/** A working directory whose lib holds these fixtures, each with the handlers of innocent.h. */
function folder(fixtures: readonly string[], toml: string): string {
  const cwd = scratch();
  mkdirSync(path.join(cwd, 'lib'));
  for (const fixture of fixtures) cpSync(compileInnocent(fixture), path.join(cwd, 'lib', `${path.parse(fixture).name}.so`));
  writeFileSync(path.join(cwd, 'prest.toml'), toml);
  return cwd;
}

async function serve(fixtures: readonly string[], toml = '', args: readonly string[] = [], setup: ServerSetup = {}): Promise<TestServer> {
  const server = await startServer(['--mode', 'process', ...args], { cwd: folder(fixtures, toml), ...setup });
  servers.push(server);
  return server;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
}

async function ask(server: TestServer, target: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/_PLUGIN/${target}`, { headers });
  return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') };
}

const askPid = async (server: TestServer, plugin: string): Promise<number> => Number((await ask(server, `${plugin}/Pid`)).text);

/** The line of the log on the end of the process that had this request. */
const deathOf = (server: TestServer, request: string): Promise<Record<string, unknown>> =>
  until(() => server.log().find(({ requests }) => Array.isArray(requests) && requests.includes(request)));

/** Whether a process ignores SIGTERM; where the system does not say, that it does. */
function isDeaf(pid: number): boolean {
  if (process.platform !== 'linux') return true;
  const [, ignored] = /^SigIgn:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return (BigInt(`0x${ignored}`) & (1n << BigInt(constants.signals.SIGTERM - 1))) !== 0n;
}

/** Calls a handler that never returns, of a plugin whose calls run one by one; resolves once it is inside. */
async function hang(server: TestServer, plugin: string): Promise<{ answer: Promise<Answer | 'cut off'> }> {
  const answer = ask(server, `${plugin}/Fault`).catch(() => 'cut off' as const);
  await until(async () => (await ask(server, `${plugin}/Echo`, { 'X-Dlserve-Timeout': '50ms' })).status === 504);
  return { answer };
}

describe('a crash', () => {
  test.each([
    ['crash.c', 'ended by SIGSEGV', { signal: 'SIGSEGV', status: null }],
    ['abort.c', 'ended by SIGABRT', { signal: 'SIGABRT', status: null }],
    ['fpe.c', 'ended by SIGFPE', { signal: 'SIGFPE', status: null }],
    ['stack_overflow.c', 'ended by SIGSEGV', { signal: 'SIGSEGV', status: null }],
    ['exit_zero.c', 'exited with status 0', { signal: null, status: 0 }],
  ])('answers 502, and the log says who, where, how and in which file (%s)', async (fixture, words, end) => {
    const server = await serve([fixture]);
    const { name } = path.parse(fixture);
    const pid = await askPid(server, name);
    const { status, text } = await ask(server, `${name}/Fault`, { 'X-Request-Id': 'the one' });
    expect([status, JSON.parse(text)]).toEqual([
      502,
      { error: `${name} crashed in GETFaultHandler: ${words}`, code: 'PLUGIN_CRASHED' },
    ]);
    const sha256 = createHash('sha256').update(readFileSync(compileInnocent(fixture))).digest('hex');
    const line = { level: 50, plugin: name, handlers: ['GETFaultHandler'], requests: ['the one'], pid, sha256, ...end };
    expect(await deathOf(server, 'the one')).toMatchObject({ ...line, msg: `${name}.so crashed: ${words}` });
    const next = await askPid(server, name);
    expect(next).toBeGreaterThan(0);
    expect(next).not.toBe(pid);
  });

  test('is noticed by no other plugin, and by no other call of its own', async () => {
    const server = await serve(['crash.c', 'abort.c', 'hang.c'], '[plugin.crash]\nfaultcalls = 1000\n[plugin.hang]\nmode = "thread"\n');
    const others = ['abort', 'hang'];
    const before = await Promise.all(others.map((plugin) => askPid(server, plugin)));
    expect(childrenOf(server)).toEqual([before[1]]);
    const asked = Array.from({ length: 100 }, async (_, i) => {
      const [guilty, own, ...pids] = await Promise.all([
        ask(server, 'crash/Fault'),
        ask(server, `crash/Echo?n=${i}`),
        ...others.map((plugin) => askPid(server, plugin)),
      ]);
      expect([guilty.status, own.status, ...pids]).toEqual([502, 200, ...before]);
      expect(JSON.parse(own.text)).toMatchObject({ url_query: { n: [String(i)] } });
    });
    await Promise.all(asked);
  });
});

describe('a call that takes longer than it may', () => {
  test('answers 504, costs its process, and no call behind it', async () => {
    const server = await serve(['hang.c', 'crash.c'], '[plugin.hang]\nconcurrency = 1\ntimeout = "300ms"\nqueuetimeout = "20s"\n');
    const [pid, other] = await Promise.all([askPid(server, 'hang'), askPid(server, 'crash')]);
    const hung = ask(server, 'hang/Fault', { 'X-Request-Id': 'hung' });
    const behind = Array.from({ length: 10 }, () => askPid(server, 'hang'));
    expect(await hung).toMatchObject({
      status: 504,
      text: '{"error":"GETFaultHandler in hang took longer than 300 ms","code":"TIMEOUT"}',
    });
    // Those that came before it have the old process, those after it all have the same new one.
    const pids = new Set(await Promise.all(behind));
    const next = await askPid(server, 'hang');
    expect([...pids].filter((each) => each !== pid && each !== next)).toEqual([]);
    expect(next).not.toBe(pid);
    await until(() => !isAlive(pid));
    const { msg, level } = await deathOf(server, 'hung');
    expect([level, msg]).toEqual([40, 'hang.so ended: a call took longer than its timeout']);
    expect(await askPid(server, 'crash')).toBe(other);
  });

  test('costs nothing where it is only longer than its client waits', async () => {
    const gate = path.join(scratch(), 'gate');
    const server = await serve(['hang.c'], '[plugin.hang]\nconcurrency = 1\n');
    const pid = await askPid(server, 'hang');
    const wait = { 'X-Dlserve-Timeout': '300ms' };
    expect(await ask(server, `hang/Wait?gate=${gate}`, wait)).toMatchObject({ status: 504, text: expect.stringContaining('longer than 300 ms') as unknown });
    const behind = askPid(server, 'hang');
    writeFileSync(gate, '');
    expect(await behind).toBe(pid);
    expect(server.log().filter(({ requests }) => requests !== undefined)).toEqual([]);
  });
});

test('a handler that mostly crashes rests, says why and until when, and its neighbours go on', async () => {
  const server = await serve(['crash.c', 'abort.c'], '[plugins]\ncrashes = 1\nfaultcalls = 3\nrest = "3s"\n');
  for (let i = 0; i < 3; i++) expect((await ask(server, 'crash/Fault')).status).toBe(502);
  const { status, text, retryAfter } = await ask(server, 'crash/Fault');
  const error = 'GETFaultHandler in crash rests: 3 of its last 3 calls crashed or hung';
  expect([status, JSON.parse(text)]).toEqual([503, { error, code: 'PLUGIN_RESTING' }]);
  expect(['1', '2', '3']).toContain(retryAfter);
  expect((await ask(server, 'crash/Echo')).status).toBe(200);
  expect((await ask(server, 'abort/Fault')).status).toBe(502);
  await until(() => server.log().some(({ plugin, handler, rest }) => plugin === 'crash' && handler === 'GETFaultHandler' && rest === 3000));
  await until(async () => (await ask(server, 'crash/Fault')).status === 502);
  expect((await ask(server, 'crash/Fault')).status).toBe(503);
});

test('a SIGTERM that is not the host’s ends no process, and no call', async () => {
  const gate = path.join(scratch(), 'gate');
  const server = await serve(['gate.c'], `[plugin.gate]\nconcurrency = 3\n[plugin.gate.config]\ngate = "${gate}"\n`);
  const pid = await askPid(server, 'gate');
  const napping = ask(server, 'gate/Nap');
  const running = ask(server, 'gate/Wait');
  await until(() => existsSync(`${gate}.begun`));
  // As a service manager stops all of a server.
  for (const each of [pid, server.process.pid!]) process.kill(each, 'SIGTERM');
  await until(() => server.log().some(({ msg }) => String(msg).startsWith('SIGTERM')));
  expect(await napping).toMatchObject({ status: 200, text: 'slept' });
  writeFileSync(gate, '');
  expect(await running).toMatchObject({ status: 200, text: 'through' });
  expect(await server.exited()).toEqual({ code: 0, signal: null });
  expect(server.log().filter(({ level }) => Number(level) >= 40)).toEqual([]);
  expect(isAlive(pid)).toBe(false);
});

describe('nothing is left behind', () => {
  const FIXTURES = ['crash.c', 'hang.c', 'block_signals.c', 'fork.c'];
  const SERIAL = '[plugins]\nconcurrency = 1\n';

  /** Processes of all kinds: idle, in an endless loop, deaf to signals, and one that a plugin has forked. */
  async function processes(server: TestServer): Promise<number[]> {
    const pids = await Promise.all(FIXTURES.map((fixture) => askPid(server, path.parse(fixture).name)));
    pids.push(Number((await ask(server, 'fork/Leave')).text));
    await Promise.all([hang(server, 'hang'), hang(server, 'block_signals')]);
    await until(() => isDeaf(pids[FIXTURES.indexOf('block_signals.c')]!));
    expect(pids.filter((pid) => !isAlive(pid))).toEqual([]);
    return pids;
  }

  test('by a server that is killed', async () => {
    const server = await serve(FIXTURES, SERIAL);
    const pids = await processes(server);
    await server.stop('SIGKILL');
    await until(() => pids.every((pid) => !isAlive(pid)));
  });

  test('by one of several server processes whose primary is killed', async () => {
    const server = await serve(['crash.c'], '', ['--workers', '2']);
    const pid = await askPid(server, 'crash');
    await server.stop('SIGKILL');
    await until(() => !isAlive(pid));
    await until(() => fetch(`${server.url}/_health`).then(() => false, () => true));
  });

  test('by a graceful stop, whatever the plugins do', async () => {
    const server = await serve(FIXTURES, `${SERIAL}[http]\nstoptimeout = "500ms"\n`);
    const pids = await processes(server);
    const { answer } = await hang(server, 'hang');
    const begun = performance.now();
    expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    // The limit, PluginStop's 500 ms and those from SIGTERM to SIGKILL, with time to spare for a slow machine.
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(await answer).toBe('cut off');
    expect(pids.filter(isAlive)).toEqual([]);
    const forced = server.log().filter(({ msg }) => /had to be forced to stop/.test(String(msg)));
    expect(forced.map(({ plugin, signal }) => [plugin, signal]).sort()).toEqual([
      ['block_signals', 'SIGKILL'],
      ['hang', 'SIGTERM'],
    ]);
  });
});

describe('where the native parts were not built', () => {
  /** The package as it is installed without a compiler. */
  function packageWithout(report?: string): string {
    const root = path.resolve(__dirname, '../..');
    const copy = scratch();
    for (const name of ['dist', 'package.json']) cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
    if (report !== undefined) {
      mkdirSync(path.join(copy, 'build'));
      writeFileSync(path.join(copy, 'build/failed.txt'), report);
    }
    return path.join(copy, 'dist/cli/main.js');
  }

  test('a server process that can not be replaced says why', async () => {
    const main = packageWithout();
    const built = path.resolve(path.dirname(main), '../../build');
    cpSync(path.resolve(__dirname, '../../build/Release'), path.join(built, 'Release'), { recursive: true });
    const server = await startServer(['--mode', 'process', '--workers', '2'], { cwd: folder(['crash.c'], ''), main });
    servers.push(server);
    const pid = await askPid(server, 'crash');
    rmSync(built, { recursive: true });
    process.kill(Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]), 'SIGKILL');
    await until(() => server.log().some(({ msg }) => /^a server process can't start: .*native runner/.test(String(msg))));
  });

  const start = (main: string, toml: string, args: readonly string[] = []): { code: number | null; stdout: string; stderr: string } => {
    const cwd = folder(['crash.c'], toml);
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'serve', '--port', '0', ...args], { cwd, encoding: 'utf8', timeout: 30_000 });
    return { code: status, stdout, stderr };
  };

  test.each([
    ['by the flag', '', ['--mode', 'process']],
    ['for one plugin', '[plugin.some]\nmode = "process"\n', []],
    ['with several server processes', '', ['--mode', 'process', '--workers', '2']],
  ])('mode "process" fails at start, with the reason and the remedy (%s)', (_, toml, args) => {
    const main = packageWithout();
    const runner = path.resolve(path.dirname(main), '../../build/Release/runner');
    const message =
      `dlserve: mode "process" needs the native runner, which is not there: there is no ${runner}. ` +
      'Install a C compiler, make and Python, then run: npm rebuild dlserve\n';
    expect(start(main, toml, args)).toEqual({ code: 1, stdout: '', stderr: message });
  });

  test('the reason is what the installation has left', () => {
    const { code, stderr } = start(packageWithout('make: cc: No such file or directory\n'), '', ['--mode', 'process']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/could not be built when dlserve was installed:\nmake: cc: No such file or directory\nInstall a C compiler/);
  });

  test('mode "process" serves with the runner alone', async () => {
    const main = packageWithout();
    const place = path.resolve(path.dirname(main), '../../build/Release');
    mkdirSync(place, { recursive: true });
    cpSync(path.resolve(__dirname, '../../build/Release/runner'), path.join(place, 'runner'));
    const server = await serve(['crash.c'], '', ['--mode', 'process'], { main });
    const pid = await askPid(server, 'crash');
    expect((await ask(server, 'crash/Fault')).status).toBe(502);
    await until(() => server.log().some((line) => line['pid'] === pid && line['signal'] === 'SIGSEGV'));
    expect(await askPid(server, 'crash')).not.toBe(pid);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test('the other modes serve, and the log says what is missing', async () => {
    const server = await serve(['crash.c', 'abort.c'], '[plugin.abort]\nmode = "inline"\n', ['--mode', 'thread'], { main: packageWithout() });
    for (const plugin of ['crash', 'abort']) {
      expect(JSON.parse((await ask(server, `${plugin}/Echo?a=b`)).text)).toMatchObject({ url_query: { a: ['b'] } });
      expect(childrenOf(server)).toEqual([await askPid(server, plugin)]);
    }
    await until(() => server.log().some(({ level, msg }) => level === 40 && /the native addon is missing.*npm rebuild dlserve/.test(String(msg))));
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });
});
