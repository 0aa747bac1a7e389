import { fork, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import path from 'node:path';
import { needDescriptors } from '../../ground/descriptors';
import { createUnnamedFile } from '../../ground/unnamed-file';

/** A server process that was started, and waits for its Start. */
export interface Forked {
  readonly child: ChildProcess;
  /** Its STATUS_FILE, empty still. */
  readonly statusFile: number;
}

export const PROGRAM = path.join(__dirname, 'server-process-main.js');

/** Starts a server process that is given what it listens on. @throws Error where the system can't */
export function forkServer(): Forked {
  // The inspector of the primary has its port.
  const execArgv = process.execArgv.filter((argument) => !argument.startsWith('--inspect'));
  return withStatusFile((statusFile) => fork(PROGRAM, [], { execArgv, stdio: ['inherit', 'inherit', 'inherit', 'ipc', statusFile] }));
}

/** Starts a process with a status file of its own. */
export function withStatusFile(start: (statusFile: number) => ChildProcess): Forked {
  const statusFile = createUnnamedFile('status');
  try {
    needDescriptors();
    return { child: start(statusFile), statusFile };
  } catch (error) {
    closeSync(statusFile);
    throw error;
  }
}
