#!/usr/bin/env node
import { CommanderError } from 'commander';
import { DlserveError, messageOf } from '../ground/errors';
import { checkCommand, program } from './program';

/** Exit codes: the work is done, it failed, or the command line was wrong. */
const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

async function main(): Promise<void> {
  try {
    const dlserve = program((succeeded) => {
      process.exitCode = succeeded ? DONE : FAILED;
    });
    checkCommand(dlserve, process.argv.slice(2));
    await dlserve.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? DONE : MISUSED;
      return;
    }
    const line = error instanceof DlserveError ? error.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    console.error(`dlserve: ${line}`);
    process.exitCode = FAILED;
  }
}

void main();
