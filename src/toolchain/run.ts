import { spawn } from 'node:child_process';

/** The most that is kept of what a compiler says, in characters; the first errors are the ones that matter. */
const KEPT = 256 * 1024;

/** A compiler said no, or could not be started; `output` has its own words. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';

  constructor(
    message: string,
    /** What it wrote to standard output and standard error, in order of arrival. */
    readonly output: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

export interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the tool and everything that it has started. */
  readonly signal: AbortSignal;
  /** Standard input; empty where it is absent. */
  readonly input?: string;
}

/**
 * Runs a tool to its end.
 * @param command the words it is started by, such as `['ccache', 'cc']`
 * @returns its standard output, and all of its words, standard error included
 * @throws ToolFailure
 */
export function run(
  command: readonly string[],
  args: readonly string[],
  options: RunOptions,
): Promise<{ stdout: string; output: string }> {
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) {
      reject(new ToolFailure('the build was stopped', ''));
      return;
    }
    const [program, ...first] = command;
    // A group of its own: a compiler starts others, and all of them must end with it.
    const child = spawn(program!, [...first, ...args], { cwd: options.cwd, env: options.env, detached: true, stdio: 'pipe' });
    const stop = (): void => {
      try {
        process.kill(-child.pid!, 'SIGTERM');
      } catch {
        // It has ended by itself.
      }
    };
    options.signal.addEventListener('abort', stop);

    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (output.length < KEPT) output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < KEPT) output += text;
    });
    // It may end without having read its input; its exit status tells the story.
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    child.once('error', (error) => {
      options.signal.removeEventListener('abort', stop);
      reject(new ToolFailure(`${program!} could not be started: ${error.message}`, output, error));
    });
    child.once('close', (code, signal) => {
      options.signal.removeEventListener('abort', stop);
      if (code === 0) resolve({ stdout, output });
      else if (options.signal.aborted) reject(new ToolFailure('the build was stopped', output));
      else reject(new ToolFailure(`${program!} ended with ${signal ?? `exit status ${code!}`}`, output));
    });
  });
}
