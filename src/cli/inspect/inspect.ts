import path from 'node:path';
import { readLibrary } from '../../binary/read';
import { thisSystem } from '../../binary/system';
import { DlserveError, messageOf } from '../../ground/errors';
import { findingsOf } from './findings';
import { findNeeded } from './needed';
import { printFindings } from './print';

/**
 * Says what a library offers and what it lacks, without running any of it.
 * @param file its path
 * @param json whether JSON is wanted; else text for a person
 * @throws DlserveError BAD_LIBRARY where it is none
 */
export async function inspect(file: string, json: boolean): Promise<string> {
  const library = await readLibrary(file, file).catch((error: unknown) => refuse(file, error));
  const system = await thisSystem();
  const findings = findingsOf(file, library, await findNeeded(path.resolve(file), library, system), system);
  return json ? JSON.stringify(findings, null, 2) : printFindings(findings);
}

function refuse(file: string, error: unknown): never {
  if (error instanceof DlserveError) throw error;
  const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : messageOf(error);
  throw new DlserveError('BAD_LIBRARY', { file, reason }, { cause: error });
}
