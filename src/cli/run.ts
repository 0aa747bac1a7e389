import { CommanderError } from 'commander';
import { DlserveError, messageOf } from '../ground/errors';
import { complain } from './print';
import { checkCommand, program } from './program';

/** Exit codes, besides 0: the work failed, or the command line was wrong. */
const FAILED = 1;
const MISUSED = 2;

/** Does what the command line says. */
export async function run(): Promise<void> {
  try {
    const dlserve = program((succeeded) => {
      if (!succeeded) process.exitCode = FAILED;
    });
    checkCommand(dlserve, process.argv.slice(2));
    await dlserve.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode !== 0) process.exitCode = MISUSED;
      return;
    }
    const line = error instanceof DlserveError ? error.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    complain(`dlserve: ${line}`);
    process.exitCode = FAILED;
  }
}
