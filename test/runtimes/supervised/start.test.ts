import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, readSync, readdirSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { useKoffi } from '../../../src/runtimes/native/koffi/koffi';
import { createMemory } from '../../../src/runtimes/supervised/memory';
import { startByAddon } from '../../../src/runtimes/supervised/start/by-addon';
import { startByNode } from '../../../src/runtimes/supervised/start/by-node';
import type { Child, Command, Descriptor } from '../../../src/runtimes/supervised/start/child';
import { scratch } from '../../support/server';
import { until } from '../../support/until';
import { isAlive } from './harness';

const dist = path.resolve(__dirname, '../../../dist');
const O_CLOEXEC = 0o2000000;
/** 32 and 33, which the C library keeps to itself, and has ignored where it starts a program. */
const LIBC_SIGNALS = 0x180000000n;
const PIPES: readonly Descriptor[] = ['ignore', 'pipe', 'pipe'];

type Start = (command: Command, owner: { exited(status: number | null, signal: string | null): void; failed(error: Error): void }) => Child | undefined;
type End = { status: number | null; signal: string | null };

/** A process, and what becomes of it. */
function run(start: Start, command: Command): { child: Child; end: Promise<End> } {
  let child: Child;
  const end = new Promise<End>((resolve, reject) => {
    child = start(command, { exited: (status, signal) => resolve({ status, signal }), failed: reject })!;
  });
  return { child: child!, end };
}

const shell = (script: string, stdio = PIPES): Command => ({ executable: '/bin/sh', args: ['-c', script], stdio });
const descriptors = (): string[] => readdirSync('/proc/self/fd');
/** Those that each program inherits which this process starts: none of Node.js's own, but whoever started it may have left some. */
const inheritable = (): string[] =>
  descriptors().filter((number) => {
    try {
      const [, flags] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${number}`, 'utf8'))!;
      return (parseInt(flags!, 8) & O_CLOEXEC) === 0;
    } catch {
      return false;
    }
  });
/** Processes of this one that have ended and that nobody has waited for. */
const zombies = (): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      const [, state, parent] = /^\d+ \(.*\) (\w) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
      return state === 'Z' && Number(parent) === process.pid;
    } catch {
      return false;
    }
  });

describe.each<[string, Start]>([
  ['the addon', startByAddon],
  ['Node.js', startByNode],
])('a process that is started by %s', (_, start) => {
  it.each<[string, End]>([
    ['exit 0', { status: 0, signal: null }],
    ['exit 7', { status: 7, signal: null }],
    ['exit 255', { status: 255, signal: null }],
    ['kill -KILL $$', { status: null, signal: 'SIGKILL' }],
    ['kill -SEGV $$', { status: null, signal: 'SIGSEGV' }],
    ['kill -TERM $$', { status: null, signal: 'SIGTERM' }],
    ['kill -ABRT $$', { status: null, signal: 'SIGABRT' }],
    ['kill -29 $$', { status: null, signal: 'SIGIO' }],
  ])('tells how it ended: %s', async (script, expected) => {
    expect(await run(start, shell(script)).end).toEqual(expected);
  });

  it('has as many pipes as are wanted, each its own, in both directions', async () => {
    const stdio: Descriptor[] = ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'];
    const { child, end } = run(start, shell('read a; read b <&3; echo "$a"; echo "$b" >&2; echo "$a$b" >&4', stdio));
    const [input, out, err, other, last] = child.pipes;
    input!.write('one\n');
    other!.write('two\n');
    expect(await Promise.all([out, err, last].map((pipe) => text(pipe as Socket)))).toEqual(['one\n', 'two\n', 'onetwo\n']);
    expect(await end).toEqual({ status: 0, signal: null });
  });

  it('gets descriptors of this process, whatever numbers they have here', async () => {
    const files = Array.from({ length: 4 }, (_, i) => path.join(scratch(), String(i)));
    for (const [i, file] of files.entries()) writeFileSync(file, `file ${i}\n`);
    const opened = files.map((file) => openSync(file, 'r'));
    // Backwards, so that some numbers are there the other way round, and one twice.
    const given = [...opened].reverse();
    const { child, end } = run(start, shell('cat <&3; cat <&4; cat <&5; cat <&6; ls /proc/self/fd >&2', ['ignore', 'pipe', 'pipe', ...given, opened[0]!]));
    const [printed, list] = await Promise.all(child.pipes.slice(1, 3).map((pipe) => text(pipe as Socket)));
    expect(printed).toBe('file 3\nfile 2\nfile 1\nfile 0\n');
    const own = new Set(inheritable());
    // The last is that of the list itself.
    expect(list!.trim().split('\n').filter((number) => Number(number) <= 8 || !own.has(number))).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
    expect((await end).status).toBe(0);
    for (const descriptor of opened) closeSync(descriptor);
  });

  it('begins with nothing of this process but its environment', async () => {
    const { child } = run(start, shell('echo "$PATH"; exec cat /proc/self/status /proc/self/stat'));
    const printed = await text(child.pipes[1]!);
    expect(printed.split('\n')[0]).toBe(process.env['PATH']);
    for (const set of ['SigBlk', 'SigIgn', 'SigCgt']) {
      const [, bits] = new RegExp(`^${set}:\t(\\w+)$`, 'm').exec(printed)!;
      expect([set, BigInt(`0x${bits}`) & ~LIBC_SIGNALS]).toEqual([set, 0n]);
    }
    const [, group, session] = /^\d+ \(cat\) \w \d+ (\d+) (\d+)/m.exec(printed)!;
    expect([Number(group), Number(session)]).toEqual([child.pid, child.pid]);
  });

  it('holds no event loop once its pipes do not', async () => {
    const place = start === startByAddon ? ['by-addon', 'startByAddon'] : ['by-node', 'startByNode'];
    const program = `const { ${place[1]} } = require('${dist}/runtimes/supervised/start/${place[0]}');
      const child = ${place[1]}({ executable: '/bin/sleep', args: ['60'], stdio: ['ignore', 'pipe', 'pipe'] }, {});
      for (const pipe of child.pipes) pipe?.unref();
      console.log(child.pid);`;
    const host = run(start, { executable: process.execPath, args: ['-e', program], stdio: PIPES });
    const pid = Number(await text(host.child.pipes[1]!));
    expect(await host.end).toEqual({ status: 0, signal: null });
    process.kill(pid, 'SIGKILL');
  });

  it('leaves nothing behind, a thousand times', async () => {
    await run(start, shell('exit')).end;
    await until(() => zombies().length === 0);
    const before = descriptors().length;
    for (let batch = 0; batch < 20; batch++) {
      const ends = Array.from({ length: 50 }, (_, i) => {
        const { child, end } = run(start, { ...shell(`exit ${i}`), executable: i % 10 === 9 ? '/bin/false' : '/bin/sh' });
        for (const pipe of child.pipes) pipe?.resume();
        return end;
      });
      expect((await Promise.all(ends)).map(({ status }) => status)).toEqual(ends.map((_, i) => (i % 10 === 9 ? 1 : i)));
    }
    await until(() => zombies().length === 0);
    await until(() => descriptors().length <= before);
  });
});

describe('what can not be started', () => {
  const file = (mode: number): string => {
    const name = path.join(scratch(), 'program');
    writeFileSync(name, 'no program', { mode });
    return name;
  };

  it.each([
    ['ENOENT', () => '/no/such/program'],
    ['EACCES', () => file(0o644)],
    // Which has no name in Node.js: ENOEXEC.
    ['Unknown system error -8', () => file(0o755)],
  ])('is told by the addon at once, and leaves nothing behind: %s', (code, executable) => {
    const before = descriptors();
    const command = { executable: executable(), args: [], stdio: PIPES };
    const owner = { exited: () => undefined, failed: () => undefined };
    expect(() => startByAddon(command, owner)).toThrow(`its process did not start: spawn ${command.executable} ${code}`);
    expect(() => startByAddon({ ...command, executable: '/bin/true', stdio: [...PIPES, 99_999] }, owner)).toThrow('spawn /bin/true EBADF');
    expect(descriptors()).toEqual(before);
    expect(zombies()).toEqual([]);
  });

  it('is told by Node.js later on', async () => {
    await expect(run(startByNode, { executable: '/no/such/program', args: [], stdio: PIPES }).end).rejects.toThrow('spawn /no/such/program ENOENT');
  });
});

describe('the id of a process that the addon has started', () => {
  it('is its own until it was told that it ended', async () => {
    const states: boolean[] = [];
    await new Promise<void>((resolve) => {
      const child = startByAddon(shell('exit'), {
        failed: () => undefined,
        exited: () => {
          states.push(process.kill(child.pid!, 0), isAlive(child.pid!));
          resolve();
        },
      })!;
    });
    // There, and not alive.
    expect(states).toEqual([true, false]);
    await until(() => zombies().length === 0);
  });

  it('is let go of where something else in the server has waited for it', async () => {
    const wait = useKoffi().koffi.load(null).func('int waitpid(int pid, void *status, int options)');
    const { child, end } = run(startByAddon, shell('exit 3'));
    // Whoever is first: the event loop hears of it when this has returned.
    expect(wait(child.pid, null, 0)).toBe(child.pid);
    expect(await end).toEqual({ status: null, signal: null });
  });

  it('is let go of, too, where the thread that started it has ended', async () => {
    const program = `const { startByAddon } = require('${dist}/runtimes/supervised/start/by-addon');
      const { parentPort } = require('node:worker_threads');
      const start = (args) => startByAddon({ executable: '/bin/sh', args: ['-c', args], stdio: ['ignore', 'pipe', 'pipe'] }, {
        exited: (status) => parentPort.postMessage({ status }), failed: () => undefined });
      start('test "$OWN" = "of the worker: grüße, =" && exit 5');
      parentPort.on('message', () => undefined).postMessage({ pid: start('sleep 60').pid });`;
    const worker = new Worker(program, { eval: true, env: { ...process.env, OWN: 'of the worker: grüße, =' } });
    const heard: { pid?: number; status?: number }[] = [];
    worker.on('message', (message: { pid?: number; status?: number }) => heard.push(message));
    await until(() => heard.length === 2);
    expect(heard.find(({ status }) => status !== undefined)).toEqual({ status: 5 });
    const { pid } = heard.find((message) => message.pid !== undefined)!;
    expect(isAlive(pid!)).toBe(true);
    await worker.terminate();
    process.kill(pid!, 'SIGKILL');
    await until(() => zombies().length === 0 && !isAlive(pid!));
  });
});

const onLinux = process.platform === 'linux' ? it : it.skip;

onLinux('memory for several processes is there at once, and keeps its size', () => {
  const fd = createMemory('test', 100_000)!;
  const { size, blocks } = fstatSync(fd);
  expect(size).toBe(100_000);
  expect(blocks * 512).toBeGreaterThanOrEqual(size);
  const bytes = Buffer.alloc(100_000, 1);
  expect(readSync(fd, bytes, 0, bytes.length, 0)).toBe(100_000);
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  for (const length of [0, 99_999, 100_001]) expect(() => ftruncateSync(fd, length)).toThrow('EPERM');
  // What another process opens anew is no way around that.
  const again = openSync(`/proc/self/fd/${fd}`, constants.O_RDWR);
  expect(() => ftruncateSync(again, 0)).toThrow('EPERM');
  closeSync(again);
  closeSync(fd);
});
