import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DlserveError, messageOf } from '../ground/errors';
import { abiMisfit, handlersOf, machineFits, readLibrary } from '../contract/library';
import { libraryExtensions } from '../contract/name';

/** A library found in pluginpath, not yet looked into. */
export interface Located {
  /** Absolute, symlinks resolved. */
  readonly path: string;
  /** File name as it stands in pluginpath. */
  readonly library: string;
  /** Of the file, under whatever names. */
  readonly identity: string;
  /** Changes when the file does. */
  readonly fingerprint: string;
}

/**
 * Finds the library of `name` in `pluginpath`. A symlink that leads out of pluginpath counts as absent.
 * @param name has passed checkNames
 * @throws DlserveError LIBRARY_NOT_FOUND, or LOAD_FAILED for what is there and can't be reached
 */
export async function locate(pluginpath: string, name: string): Promise<Located> {
  const endings = libraryExtensions();
  const notFound = (cause?: unknown, hint = ''): DlserveError =>
    new DlserveError('LIBRARY_NOT_FOUND', { library: `${name}${endings.join('|')}`, directory: pluginpath, hint }, { cause });
  const folder = await realpath(pluginpath).catch((error: unknown) => Promise.reject(notFound(error)));
  for (const ending of endings) {
    const library = name + ending;
    try {
      const resolved = await realpath(path.join(folder, library));
      if (!resolved.startsWith(folder + path.sep)) {
        throw notFound(`it leads to ${resolved}`, ': the link of that name leads out of the folder');
      }
      const status = await stat(resolved);
      // A pipe would never end to be read.
      if (!status.isFile()) throw loadFailed(library, new Error(`it is ${status.isDirectory() ? 'a folder' : 'no regular file'}`));
      const { dev, ino, size, mtimeMs } = status;
      return { path: resolved, library, identity: `${dev}:${ino}`, fingerprint: `${ino}:${size}:${mtimeMs}` };
    } catch (error) {
      if (error instanceof DlserveError) throw error;
      if (!isAbsent(error)) throw loadFailed(library, error);
    }
  }
  throw notFound();
}

/**
 * What the library's file says of itself, checked against this host before the file is opened as code.
 * @throws DlserveError LOAD_FAILED with what is wrong and the mend
 */
export async function examine({ path: file, library }: Located): Promise<ReturnType<typeof handlersOf>> {
  try {
    const contents = readLibrary(await readFile(file));
    const misfit = machineFits(contents, process.platform, process.arch) ?? abiMisfit(contents);
    if (misfit !== undefined) throw new Error(misfit);
    return handlersOf(contents);
  } catch (error) {
    throw loadFailed(library, error);
  }
}

function loadFailed(library: string, cause: unknown): DlserveError {
  return new DlserveError('LOAD_FAILED', { library, reason: messageOf(cause) }, { cause });
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}
