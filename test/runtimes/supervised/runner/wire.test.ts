import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { TimeLimits } from '../../../../src/plugin/deadline';
import { helloFrame, openFrame } from '../../../../src/runtimes/supervised/runner/greeting';
import { CALL_HEADER, Message, VERSION, stopFrame, writeCallHeader } from '../../../../src/runtimes/supervised/runner/protocol';
import { Shared } from '../../../../src/runtimes/supervised/runner/shared';
import { builtRunner } from '../built-runner';
import { compileInnocent } from '../harness';

let child: ChildProcess | undefined;
let shared: Shared | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
  shared?.close();
  shared = undefined;
});

const run = (args: readonly string[], frames: readonly Buffer[]): Promise<[status: number | null, words: string]> => {
  shared = new Shared();
  const started = spawn(builtRunner(), args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', shared.fd, 'pipe'] });
  child = started;
  let words = '';
  started.stderr!.on('data', (chunk: Buffer) => (words += chunk.toString()));
  const calls = started.stdio[3] as Socket;
  calls.on('error', () => undefined);
  (started.stdio[4] as Socket).on('error', () => undefined).resume();
  calls.write(Buffer.concat(frames));
  return new Promise((resolve) => started.on('close', (status) => resolve([status, words])));
};

const bytes = (message: number, payload: number, length = 8 + payload): Buffer => {
  const frame = Buffer.alloc(8 + payload);
  frame.writeUInt32LE(length, 0);
  frame[4] = message;
  return frame;
};

const call = (id: number, symbol: number, headLength = 5): Buffer => {
  const frame = Buffer.alloc(CALL_HEADER + 5, 'x');
  writeCallHeader(frame, 0, frame.length, id, symbol, headLength, 0, new TimeLimits({ timeout: 30_000, queueTimeout: 30_000 }, undefined));
  return frame;
};

const opening = (): Buffer =>
  openFrame({ path: compileInnocent('crash.c'), config: '{}', symbols: ['GETEchoHandler'], concurrency: 0, any: 64, memory: 0, timeout: 30_000, largestReply: 1000, mostHeaders: 100 });

const stranger = (): Buffer => {
  const frame = helloFrame();
  frame.writeUInt16LE(9, 6);
  return frame;
};

const unended = (): Buffer => {
  const frame = opening();
  frame[frame.length - 1] = 65;
  return frame;
};

const host = ['test', String(process.pid)];
const hello = helloFrame();

// The host never sends any of these; a runner that met them would be talking to something else.
it.each<[string, () => Buffer[], string]>([
  ['is no protocol at all', () => [Buffer.from('POST / HTTP/1.1\r\n\r\n')], 'the host sent an oversized frame'],
  ['is of an unknown kind', () => [bytes(99, 0)], 'the host sent a frame of an unknown kind'],
  ['is oversized', () => [hello, opening(), bytes(Message.CALL, 100, 0x40000001)], 'the host sent an oversized frame'],
  ['is too short', () => [hello, opening(), bytes(Message.CALL, 8)], 'the host sent a CALL that is too short'],
  ['is shorter than its header', () => [bytes(Message.HELLO, 16, 3)], 'the host sent a HELLO of a wrong size'],
  ['is of another version', () => [stranger()], `the host speaks version 9 of the protocol, the runner ${VERSION}: rebuild it with npm rebuild dlserve`],
  ['is no HELLO where one must be', () => [opening()], 'the host sent message 2 in place of 1'],
  ['is no OPEN where one must be', () => [hello, call(1, 0)], 'the host sent message 5 in place of 2'],
  ['is a malformed OPEN', () => [hello, unended()], 'the host sent a malformed OPEN'],
  ['is a second HELLO', () => [hello, opening(), hello], 'the host sent message 1 out of order'],
  ['is a call out of order', () => [hello, opening(), call(2, 0)], 'the host sent a call out of order'],
  ['is a call for no symbol', () => [hello, opening(), call(1, 1)], 'the host sent a call for symbol 1'],
  ['is a call with too long a head', () => [hello, opening(), call(1, 0, 6)], 'the host sent a malformed CALL'],
])('a frame that %s ends the runner, with words', async (_, frames, words) => {
  expect(await run(host, frames())).toEqual([70, `${words}\n`]);
});

it('a session as it should be ends with 0', async () => {
  expect(await run(host, [hello, opening(), call(1, 0), call(2, 0), stopFrame()])).toEqual([0, '']);
});

it('a runner that a person starts says what it is', async () => {
  expect(await run([], [])).toEqual([70, 'this program is started by dlserve, for one library each\n']);
});

it('a runner whose host is gone already ends at once', async () => {
  expect((await run(['test', '1'], []))[0]).toBe(70);
});

it('a runner ends when its host hangs up', async () => {
  const ended = run(host, [hello, opening()]);
  (child!.stdio[3] as Socket).destroy();
  expect((await ended)[0]).toBe(70);
});
