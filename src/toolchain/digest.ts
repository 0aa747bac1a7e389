import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** SHA-256 of anything that JSON can hold. */
export function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** SHA-256 of each file, or of the names in a folder, by its path relative to the pluginpath; what can't be read has an empty one. */
export async function digestFiles(pluginpath: string, files: Iterable<string>): Promise<Record<string, string>> {
  const digests = await Promise.all(
    Array.from(new Set(files), async (file) => [path.relative(pluginpath, file), await digestPlace(file).catch(() => '')] as const),
  );
  return Object.fromEntries(digests);
}

/**
 * The same for files that are known only after a compiler has read them: one that was touched since then has an empty digest, as nobody
 * knows what the compiler read.
 * @param since when the compiler was started, by the clock of the file system, in milliseconds
 */
export async function digestUntouched(pluginpath: string, files: Iterable<string>, since: number): Promise<Record<string, string>> {
  const all = new Set(files);
  // The digests first: what is touched while they are made has a later time then.
  const digests = await digestFiles(pluginpath, all);
  await Promise.all(
    Array.from(all, async (file) => {
      const status = await stat(file).catch(() => undefined);
      // A folder counts by the names in it, and libraries come and go in some.
      if (status?.isDirectory() !== true && (status?.ctimeMs ?? Infinity) > since) digests[path.relative(pluginpath, file)] = '';
    }),
  );
  return digests;
}

/**
 * SHA-256 of a file.
 * @throws for what is no regular file: a pipe may be silent for ever, and a device without an end
 */
export async function digestFile(file: string): Promise<string> {
  // Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) throw new Error(`${file} is no regular file`);
    return createHash('sha256').update(await handle.readFile()).digest('hex');
  } finally {
    await handle.close();
  }
}

async function digestPlace(place: string): Promise<string> {
  return (await stat(place)).isDirectory() ? digest(await namesIn(place)) : digestFile(place);
}

/** What is hidden goes into nothing, and libraries come out: a package may lie in the pluginpath itself. */
async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !/^\.|\.(so|dylib)$/.test(name)).sort();
}
