import { chmodSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { scratch, startServer, type TestServer } from '../../support/server';
import { until } from '../../support/until';
import { builtRunner } from './built-runner';
import { closeAll, compileInnocent, open } from './harness';

const LIMIT = 90;
const NO_THREADS = /crash is not available now: the system gave its process no thread or no memory/;

function script(text: string): string {
  const file = path.join(scratch(), 'script');
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  chmodSync(path.dirname(file), 0o755);
  return file;
}

/** A client that keeps its connection. */
async function client(port: number): Promise<{ ask: (path: string) => Promise<string>; socket: Socket }> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString())).on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  const ask = async (path: string): Promise<string> => {
    heard = '';
    socket.write(`GET /_PLUGIN/crash/${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    return until(() => /^HTTP\/1.1 (\d+ )[^]*\r\n\r\n(?:.*?"code":"(\w+)")?/.exec(heard)?.slice(1).join(''));
  };
  return { ask, socket };
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a server whose descriptors are all in use', () => {
  const others: Socket[] = [];
  let server: TestServer;
  let ask: (path: string) => Promise<string>;

  beforeEach(async () => {
    const cwd = scratch();
    mkdirSync(path.join(cwd, 'lib'));
    cpSync(compileInnocent('crash.c'), path.join(cwd, 'lib/crash.so'));
    writeFileSync(path.join(cwd, 'prest.toml'), '[plugins]\nmode = "process"\ncrashes = 1\n');
    server = await startServer([], { cwd, node: script(`ulimit -n ${LIMIT}; exec ${process.execPath} "$@"`) });
    ({ ask } = await client(Number(new URL(server.url).port)));
  });
  afterEach(() => server.stop());

  const useUp = async (): Promise<void> => {
    const inUse = (): number => readdirSync(`/proc/${server.process.pid}/fd`).length;
    for (let i = 0; i < LIMIT; i++) others.push((await client(Number(new URL(server.url).port))).socket);
    await until(() => inUse() > LIMIT - 3);
  };
  const release = (): void => {
    for (const socket of others.splice(0)) socket.destroy();
  };

  it('opens a plugin once there are some', async () => {
    await useUp();
    expect(await ask('Echo')).toBe('503 UNAVAILABLE');
    expect(await ask('Echo')).toBe('503 UNAVAILABLE');
    release();
    await until(async () => (await ask('Echo')) === '200 ');
  });

  it('replaces a process once there are some, by itself, and counts the attempts as no crashes', async () => {
    expect(await ask('Echo')).toBe('200 ');
    await useUp();
    expect(await ask('Fault')).toBe('502 PLUGIN_CRASHED');
    // Those of the process are free again.
    await useUp();
    const answers = new Set<string>();
    for (const end = performance.now() + 1000; performance.now() < end; ) answers.add(await ask('Echo'));
    expect([...answers]).toEqual(['503 UNAVAILABLE']);
    expect(server.log().filter(({ retry }) => retry !== undefined)).toHaveLength(1);
    release();
    await until(async () => (await ask('Echo')) === '200 ');
  });
});

onLinux('a process that gets no thread', () => {
  afterEach(closeAll);

  /** A runner of another user, where this one has no limit, that may have so many threads as the file says. */
  const scarce = (): { runner: string; allow: (threads: number) => void } => {
    const file = path.join(scratch(), 'limit');
    chmodSync(path.dirname(file), 0o755);
    const other = process.getuid!() === 0 ? 'setpriv --reuid=54321 --clear-groups' : '';
    const runner = script(`exec prlimit --nproc=$(cat ${file}) ${other} ${builtRunner()} "$@"`);
    return { runner, allow: (threads) => writeFileSync(file, String(threads)) };
  };

  it.each([1, 2])('is tried again later (%i)', async (threads) => {
    const { runner, allow } = scarce();
    allow(threads);
    await expect(open('crash.c', { runner })).rejects.toMatchObject({ code: 'UNAVAILABLE', message: NO_THREADS });
    allow(10_000);
    const { ask, lines } = await open('crash.c', { runner, settings: { crashes: 1 } });
    allow(threads);
    expect(await ask('GETFaultHandler')).toBe('PLUGIN_CRASHED');
    await until(() => lines.filter(({ msg }) => msg.startsWith('no thread could be started')).length > 3);
    expect(await ask('GETEchoHandler')).toBe('UNAVAILABLE');
    allow(10_000);
    await until(async () => (await ask('GETEchoHandler')).includes('"body":null'));
    expect(lines.filter(({ retry }) => retry !== undefined)).toHaveLength(1);
  });
});
