import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../ground/errors';
import { disownName, ownName, removeLeftovers } from '../ground/own-folders';

const PREFIX = 'build-';

/** The pluginpath lets nothing be written, which says nothing about a source. */
export class Unwritable extends Error {
  override readonly name = 'Unwritable';

  constructor(cause: unknown) {
    super(`nothing can be written there: ${messageOf(cause)}`, { cause });
  }
}

/** Where the toolchain keeps what is its own: hidden, so it can never be served, and on the file system of the libraries. */
export function toolchainFolder(pluginpath: string): string {
  return path.join(pluginpath, '.dlserve');
}

/**
 * Gives a task a folder of its own, on the file system of the libraries so that its result can be renamed into place, and
 * removes it afterwards.
 * @throws Unwritable, or what the task throws
 */
export async function withWorkplace<T>(pluginpath: string, task: (folder: string) => Promise<T>): Promise<T> {
  const name = ownName(PREFIX);
  const folder = path.join(toolchainFolder(pluginpath), name);
  try {
    await create(folder);
    return await task(folder).finally(() => rm(folder, { recursive: true, force: true }));
  } finally {
    disownName(name);
  }
}

/** The folder above keeps itself out of git. */
async function create(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const ignore = path.join(folder, '../.gitignore');
    if (!existsSync(ignore)) await writeFile(ignore, '*\n');
  } catch (error) {
    throw new Unwritable(error);
  }
}

/** Removes what builds that were killed have left; a build that another process is at stays untouched. */
export function removeWorkplaces(pluginpath: string): Promise<void> {
  return removeLeftovers(toolchainFolder(pluginpath), PREFIX);
}
