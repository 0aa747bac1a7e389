import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { compileFixture } from '../support/compile';
import { scratch, startServer, type TestServer } from '../support/server';

export { childrenOf } from '../support/server';

/** The command, as built. */
export const main = path.resolve(__dirname, '../../dist/cli/main.js');

const children: ChildProcess[] = [];

/** Ends a process after the test. */
export function endAfterTest(child: ChildProcess): void {
  children.push(child);
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A working directory whose lib holds these fixtures. */
export function folder(fixtures: readonly string[], toml = ''): string {
  const cwd = scratch();
  mkdirSync(path.join(cwd, 'lib'));
  for (const fixture of fixtures) cpSync(compileFixture(fixture), path.join(cwd, 'lib', `${path.parse(fixture).name}.so`));
  writeFileSync(path.join(cwd, 'prest.toml'), toml);
  return cwd;
}

export async function serve(cwd: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer(args, { cwd, env });
  endAfterTest(server.process);
  return server;
}

/** Runs a command to its end. */
export function run(args: readonly string[], cwd = scratch()): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

/** Status and body, parsed where it is JSON. */
export async function get(url: string, init?: RequestInit): Promise<[number, unknown]> {
  const response = await fetch(url, init);
  const text = await response.text();
  return [response.status, text.startsWith('{') ? JSON.parse(text) : text];
}

/** Whether something was sent to a server that it has not read yet. */
export function hasUnread({ url }: TestServer): boolean {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  // Local address, remote address, state, bytes to be sent and bytes to be read; 0A is the state of the socket that listens.
  const unread = new RegExp(`:${port} \\S+ (?!0A)\\S+ \\w{8}:(?!0{8})`);
  return unread.test(readFileSync('/proc/net/tcp', 'utf8'));
}

/** A port on which nobody listens now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
