import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** The descriptor of standard output or of standard error. */
export type Standard = 1 | 2;

/** Writes now, or throws; gives the number of bytes that were written. */
export type Write = (bytes: Buffer) => number;

/**
 * Writes that don't wait for a reader. Files and most devices have none. A pipe or a terminal can be opened anew on Linux,
 * as nobody else's. What can't be, a socket (systemd's journal, say) or another user's pipe, is told for each write: the
 * mode is shared with every process that has it, and Node.js sets it back in its children and at its end.
 */
export function nonblockingWrite(standard: Standard): Write {
  const status = fstatSync(standard);
  if (!status.isFIFO() && !status.isSocket() && !isatty(standard)) return (bytes) => writeSync(standard, bytes);
  try {
    const own = openSync(`/proc/self/fd/${standard}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return (bytes) => writeSync(own, bytes);
  } catch {
    const { _handle: handle } = (standard === 1 ? process.stdout : process.stderr) as { _handle?: { setBlocking?(on: boolean): void } };
    return (bytes) => {
      handle?.setBlocking?.(false);
      return writeSync(standard, bytes);
    };
  }
}
