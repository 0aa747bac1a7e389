import type { Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DlserveError, messageOf } from '../ground/errors';
import type { PluginFile } from '../plugin/runtime';

/**
 * Finds the file of a plugin in `pluginpath`. A symlink that leads out of pluginpath counts as absent.
 * @param name has passed checkNames
 * @param endings of the files that a runtime can open, the preferred one first
 * @throws DlserveError LIBRARY_NOT_FOUND, or LOAD_FAILED for what is there and can't be reached
 */
export async function findFile(pluginpath: string, name: string, endings: readonly string[]): Promise<PluginFile> {
  const notFound = (cause?: unknown, hint = ''): DlserveError =>
    new DlserveError('LIBRARY_NOT_FOUND', { library: `${name}${endings.join('|')}`, hint }, { cause });
  const folder = await realpath(pluginpath).catch((error: unknown) => Promise.reject(notFound(error)));
  for (const ending of endings) {
    const base = name + ending;
    try {
      const resolved = await realpath(path.join(folder, base));
      if (!resolved.startsWith(folder + path.sep)) {
        throw notFound(`it leads to ${resolved}`, ': the link of that name leads out of the folder');
      }
      const status = await stat(resolved);
      // A pipe would never end to be read.
      if (!status.isFile()) throw loadFailed(base, new Error(`it is ${status.isDirectory() ? 'a folder' : 'no regular file'}`));
      return { path: resolved, base, identity: `${status.dev}:${status.ino}`, fingerprint: fingerprintOf(status) };
    } catch (error) {
      if (error instanceof DlserveError) throw error;
      if (!isAbsent(error)) throw loadFailed(base, error);
    }
  }
  throw notFound();
}

/** What changes when a file does. */
export function fingerprintOf({ dev, ino, size, mtimeMs }: Stats): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`;
}

/** The names of all plugins that have a file in `pluginpath`, in alphabetical order; none where the folder is not there. */
export async function listNames(pluginpath: string, endings: readonly string[]): Promise<string[]> {
  const files = await readdir(pluginpath).catch(() => []);
  const own = files.filter((file) => !file.startsWith('.') && endings.includes(path.extname(file)));
  return [...new Set(own.map((file) => path.parse(file).name))].sort();
}

function loadFailed(library: string, cause: unknown): DlserveError {
  return new DlserveError('LOAD_FAILED', { library, reason: messageOf(cause) }, { cause });
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}
