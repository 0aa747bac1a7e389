import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import path from 'node:path';

/** What programs begin with: the runtimes as built, and a way to open and call. For worker threads, too. */
export const prelude = path.join(__dirname, 'child-prelude.js');

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program that uses the in-process runtimes in a process of its own, and gives it a minute to end by itself.
 * @param program the body of an async function of `args`, with what {@link prelude} exports
 * @param descriptor handed to it as descriptor 3
 * @param env more of its environment
 */
export async function runChild(
  program: string,
  args: Record<string, unknown> = {},
  descriptor?: number,
  env: Record<string, string> = {},
): Promise<Ended> {
  const names = 'threadRuntime, inlineRuntime, open, makeCall, call';
  const source = `const { ${names} } = require(${JSON.stringify(prelude)});\n(async (args) => {${program}\n})(${JSON.stringify(args)});`;
  const child = spawn(process.execPath, ['-e', source], {
    stdio: ['ignore', 'pipe', 'pipe', ...(descriptor === undefined ? [] : [descriptor])],
    env: { ...process.env, ...env },
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const exit = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject).once('exit', (code, signal) => resolve([code, signal]));
  });
  const [stdout, stderr, [code, signal]] = await Promise.all([text(child.stdout!), text(child.stderr!), exit]);
  return { code, signal, stdout, stderr };
}
