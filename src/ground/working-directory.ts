import path from 'node:path';
import { DlserveError } from './errors';

/**
 * The working directory of the process.
 * @throws DlserveError BAD_CONFIG when somebody has deleted it
 */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new DlserveError('BAD_CONFIG', { reason: 'the working directory has been deleted: change to one that is there' }, { cause });
  }
}

/** The way to a file from the working directory; from the root where that has been deleted. */
export function fromWorkingDirectory(file: string): string {
  try {
    return path.relative(process.cwd(), file);
  } catch {
    return file;
  }
}
