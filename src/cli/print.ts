import { messageOf } from '../ground/errors';

/**
 * Prints what a command was asked for, on standard output. Where that can't be written, on a full disk say, the command has
 * failed; a reader that has gone, such as `head`, wanted no more.
 * @param text without the end of its last line
 */
export function print(text: string): void {
  process.stdout.off('error', onError).on('error', onError).write(`${text}\n`);
}

function onError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || process.exitCode === 1) return;
  complain(`dlserve: can't write to standard output: ${messageOf(error)}`);
  process.exitCode = 1;
}

/** Says on standard error why a command fails; where nobody takes that, its exit code must do. */
export function complain(text: string): void {
  process.stderr.off('error', ignore).on('error', ignore).write(`${text}\n`);
}

function ignore(): void {
  // See above.
}
