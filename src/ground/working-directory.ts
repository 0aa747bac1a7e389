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
