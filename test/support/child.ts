import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import path from 'node:path';

const dist = path.resolve(__dirname, '../../dist');

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What every program begins with: the in-process runtimes as built, and a way to open and call. */
const PRELUDE = `
const inprocess = require(${JSON.stringify(path.join(dist, 'runtimes/inprocess'))});
const { silentLog } = require(${JSON.stringify(path.join(dist, 'ground/log'))});
const settings = { mode: 'thread', timeout: 30000, queue: 1024, workers: 1, memory: 0, crashes: 5, crashwindow: 60000, rest: 30000 };
const open = (runtime, library, symbols, config = {}) =>
  runtime.open({ name: 'plugin', path: library, symbols, settings: { ...settings, config }, log: silentLog() });
const makeCall = (settle, symbol = 0) =>
  ({ symbol, request: '{"body":null}', body: null, deadline: performance.now() + 30000, id: 'id', settle });
const call = (plugin, symbol) =>
  new Promise((resolve, reject) => plugin.call(makeCall((error, reply) => (error ? reject(error) : resolve(reply)), symbol)));
`;

/**
 * Runs a program that uses the in-process runtimes in a process of its own, and gives it a minute to end by itself.
 * @param program the body of an async function of `args`
 * @param descriptor handed to it as descriptor 3
 */
export async function runChild(program: string, args: Record<string, unknown> = {}, descriptor?: number): Promise<Ended> {
  const source = `${PRELUDE}\n(async (args) => {${program}\n})(${JSON.stringify(args)});`;
  const child = spawn(process.execPath, ['-e', source], {
    stdio: ['ignore', 'pipe', 'pipe', ...(descriptor === undefined ? [] : [descriptor])],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const exit = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject).once('exit', (code, signal) => resolve([code, signal]));
  });
  const [stdout, stderr, [code, signal]] = await Promise.all([text(child.stdout!), text(child.stderr!), exit]);
  return { code, signal, stdout, stderr };
}
