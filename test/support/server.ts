import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './until';

const main = path.resolve(__dirname, '../../dist/cli/main.js');

/** A `dlserve serve` of its own process. */
export interface TestServer {
  /** `http://127.0.0.1:45678` */
  readonly url: string;
  readonly process: ChildProcess;
  /** Standard output so far. */
  stdout(): string;
  /** The log so far, parsed; lines that are no JSON stand as `{ msg }`. */
  log(): Record<string, unknown>[];
  /** Waits for the exit. */
  exited(): Promise<Exit>;
  /** Sends a signal and waits for the exit. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerSetup {
  /** Working directory; a fresh empty one unless given. */
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Run by this instead of the node that runs the tests. */
  readonly node?: string;
  /** The command of another package than the one under test, such as a copy of it. */
  readonly main?: string;
  /** `dev` in place of `serve`. */
  readonly command?: string;
}

/** The server processes of a primary. */
export function childrenOf({ process: { pid } }: TestServer): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

/** A fresh folder. */
export function scratch(): string {
  return mkdtempSync(path.join(tmpdir(), 'dlserve-test-'));
}

/**
 * Starts `dlserve serve --port 0` and waits until it listens.
 * @param args more arguments
 */
export async function startServer(args: readonly string[] = [], setup: ServerSetup = {}): Promise<TestServer> {
  const child = spawn(setup.node ?? process.execPath, [setup.main ?? main, setup.command ?? 'serve', '--port', '0', ...args], {
    cwd: setup.cwd ?? scratch(),
    env: { ...process.env, ...setup.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let exit: Exit | undefined;
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.on('exit', (code, signal) => (exit = { code, signal }));
  const url = await until(() => {
    if (exit !== undefined) throw new Error(`the server ended with ${JSON.stringify(exit)}\n${stderr}`);
    return /http:\/\/[\w.:[\]]+:\d+/.exec(stdout)?.[0];
  });
  return {
    url,
    process: child,
    stdout: () => stdout,
    log: () => stderr.split('\n').filter((line) => line !== '').map(parseLine),
    exited: () => until(() => exit),
    async stop(signal = 'SIGTERM') {
      if (exit === undefined) child.kill(signal);
      return until(() => exit);
    },
  };
}

function parseLine(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { msg: line };
  }
}
