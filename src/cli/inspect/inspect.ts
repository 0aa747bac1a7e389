import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { readBinary } from '../../binary/read';
import { DlserveError, messageOf } from '../../ground/errors';
import { findNeeded } from './needed';
import { makeReport } from './findings';
import { printReport } from './print';

/**
 * Says what a library offers and what it lacks, without running any of it.
 * @param file its path
 * @param json whether JSON is wanted; else text for a person
 * @throws DlserveError BAD_LIBRARY where it is none
 */
export async function inspect(file: string, json: boolean): Promise<string> {
  const library = readBinary(await contentOf(file), file);
  const report = makeReport(file, library, await findNeeded(path.resolve(file), library));
  return json ? JSON.stringify(report, null, 2) : printReport(report);
}

async function contentOf(file: string): Promise<Buffer> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new DlserveError('BAD_LIBRARY', { file, reason }, { cause });
  };
  try {
    const status = await stat(file);
    if (status.isDirectory()) refuse('it is a folder');
    if (!status.isFile()) refuse('it is no regular file');
    return await readFile(file);
  } catch (error) {
    if (error instanceof DlserveError) throw error;
    return refuse(
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : messageOf(error),
      error,
    );
  }
}
