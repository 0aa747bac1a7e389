import { constants } from 'node:os';
import bytes from 'bytes';
import { messageOf } from '../ground/errors';
import { startGroup } from './process-group';
import { openable } from './openable';

/** The most that is kept of what a compiler says, in characters; the first errors are the ones that matter. */
const KEPT = 256 * 1024;

/** How gcc, clang, go, as and ld say that they were given no more memory. */
const NO_MEMORY = /^\S.*(out of memory|memory exhausted|cannot allocate memory|std::bad_alloc)/im;

/** A compiler said no, or could not be started; `output` has its own words. */
export class ToolFailure extends Error {
  override readonly name: string = 'ToolFailure';

  constructor(
    message: string,
    /** What it wrote to standard output and standard error, in order of arrival. */
    readonly output: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** A compiler came to one of its limits; the message says to which, and the key that raises it. */
export class LimitReached extends ToolFailure {
  override readonly name = 'LimitReached';
}

/** What a compiler may take; 0 is no limit. */
export interface Limits {
  /** Milliseconds from its start to its end. */
  readonly time: number;
  /** Bytes of memory that each of its processes may have of its own. */
  readonly memory: number;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the tool and everything that it has started. */
  readonly signal: AbortSignal;
  readonly limits: Limits;
  /** Standard input; empty where it is absent. */
  readonly input?: string;
  /** Paths that a person cannot know, and the files that are meant. */
  readonly aliases?: ReadonlyMap<string, string>;
}

/**
 * Runs a tool to its end, and to that of all that it has started.
 * @param command the words it is started by, such as `['ccache', 'cc']`
 * @returns its standard output, and all of its words, standard error included, in which files are {@link openable}
 * @throws ToolFailure, of which LimitReached is one
 */
export async function run(
  command: readonly string[],
  args: readonly string[],
  options: RunOptions,
): Promise<{ stdout: string; output: string }> {
  const { cwd, env, signal, limits } = options;
  const program = command[0]!;
  const isStopped = (): boolean => signal.aborted;
  if (isStopped()) throw new ToolFailure('the build was stopped', '');
  const group = await startGroup([...command, ...args], { cwd, env, memory: limits.memory }).catch((error: unknown) => {
    throw new ToolFailure(`${program} could not be started: ${messageOf(error)}`, '', error);
  });
  const stop = (): void => group.end();
  signal.addEventListener('abort', stop);
  if (isStopped()) stop();
  const late = new AbortController();
  late.signal.addEventListener('abort', stop);
  const timer = limits.time === 0 ? undefined : setTimeout(() => late.abort(), limits.time);

  let stdout = '';
  let said = '';
  group.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (said.length < KEPT) said += text;
  });
  group.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < KEPT) said += text;
  });
  group.stdin.end(options.input ?? '');

  const status = await group.ended;
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
  const output = openable(said, cwd, options.aliases);
  if (status === 0) return { stdout, output };
  if (isStopped()) throw new ToolFailure('the build was stopped', output);
  const limit = limitReached(late.signal.aborted, output, limits);
  if (limit !== undefined) throw new LimitReached(`${program} ${limit} raises that limit`, output);
  throw new ToolFailure(`${program} ended with ${ending(status)}`, output);
}

/** Which limit has ended a tool, and its key; undefined if none did. */
function limitReached(isLate: boolean, output: string, { time, memory }: Limits): string | undefined {
  if (isLate) return `took longer than ${time / 1000} s and was ended: plugins.buildtimeout`;
  if (memory === 0 || !NO_MEMORY.test(output)) return undefined;
  return `ran out of memory, of which it may have ${bytes.format(memory)!}: plugins.buildmemory`;
}

/** An exit status in words. */
function ending(status: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128);
  return signal?.[0] ?? `exit status ${status}`;
}
