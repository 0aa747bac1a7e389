import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';
import { needDescriptors } from '../ground/descriptors';

/** Milliseconds that a group has to end by itself when it is asked to. */
const GRACE = 2_000;

/**
 * Runs the program that stands in `$2` and what follows, and is the leader of its group. Descriptor 3 is a line to the
 * host that nothing else holds: when it breaks, the host has ended or wants an end, and the whole group is killed. At
 * first a watcher waits for that, and when the program has ended the shell itself, which has told its exit status then.
 * So the group outlives its program until the host has read all of its words, and never the host.
 *
 * `$1` is the memory in KB that each process may have, or empty. Where it can't be set, a lower limit is in force.
 * SIGTERM is for the program: the watcher ignores it, and the shell lives on to tell how the program ended. The shell's own
 * words about that are nobody's.
 */
const SCRIPT = `
trap '' TERM
{ read -r end; kill -KILL 0; } <&3 >/dev/null 2>&1 &
trap : TERM
exec 4>&2 2>/dev/null
[ -z "$1" ] || ulimit -d "$1" || ulimit -v "$1"
shift
(exec "$@") 2>&4 3<&- 4>&-
echo $? >&3
exec </dev/null >/dev/null 4>&-
kill -KILL $!
wait
read -r end <&3
kill -KILL 0
`;

/** A program and all that it starts. */
export interface Group {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * Resolves when all of the group has ended or was killed, with the exit status of the program as a shell has it: where a signal ended
   * it, 128 and the signal's number.
   */
  readonly ended: Promise<number>;
  /** Asks the group to end, and kills what is left of it a little later. */
  end(): void;
}

/**
 * Starts a program as a group of processes that ends with it, and with this process, however this one ends.
 * @param command the program and its arguments
 * @param options.memory bytes that each process of the group may have of its own; 0 is no limit
 * @throws what starting a process throws
 */
export async function startGroup(
  command: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly memory: number },
): Promise<Group> {
  const { cwd, env, memory } = options;
  const kilobytes = memory === 0 ? '' : `${Math.floor(memory / 1024)}`;
  needDescriptors();
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', kilobytes, ...command], {
    cwd,
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  if (child.pid === undefined) throw (await once(child, 'error'))[0];
  const { pid } = child;
  const [stdin, stdout, stderr, line] = child.stdio as unknown as [Writable, Readable, Readable, Duplex];
  // It may end without having read its input; its exit status tells the story.
  stdin.on('error', () => undefined);

  let status = '';
  let speaking = 2;
  const letGo = (): void => {
    if (speaking === 0 && status.endsWith('\n')) line.destroy();
  };
  line.setEncoding('latin1').on('error', () => undefined).on('data', (text: string) => {
    status += text;
    letGo();
  });
  for (const stream of [stdout, stderr]) {
    stream.on('close', () => {
      speaking--;
      letGo();
    });
  }

  let killing: NodeJS.Timeout | undefined;
  const ended = new Promise<number>((resolve) => {
    // Without its leader the group has nobody who could tell.
    child.once('exit', () => line.destroy());
    child.once('close', (code, signal) => {
      clearTimeout(killing);
      resolve(status === '' ? (code ?? 128 + constants.signals[signal!]) : Number(status));
    });
  });
  return {
    stdin,
    stdout,
    stderr,
    ended,
    end() {
      if (killing !== undefined) return;
      try {
        process.kill(-pid, 'SIGTERM');
      } catch {
        // It has just ended by itself.
      }
      killing = setTimeout(() => {
        // What has left the group may still hold its output.
        for (const stream of [line, stdout, stderr]) stream.destroy();
      }, GRACE);
    },
  };
}
