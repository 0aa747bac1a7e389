import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { messageOf } from '../ground/errors';

/** Milliseconds after which no build can still be at work: what another machine has left behind goes then. */
const ABANDONED = 24 * 60 * 60 * 1000;

const PREFIX = 'build-';

/** The folders in which this process is at work. In a container that restarts, the last one had the same process id. */
const ours = new Set<string>();

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
  const folder = path.join(toolchainFolder(pluginpath), `${PREFIX}${process.pid}.${randomBytes(6).toString('hex')}.${os.hostname()}`);
  ours.add(folder);
  try {
    await create(folder);
    return await task(folder).finally(() => rm(folder, { recursive: true, force: true }));
  } finally {
    ours.delete(folder);
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
export async function removeLeftovers(pluginpath: string): Promise<void> {
  const parent = toolchainFolder(pluginpath);
  const names = await readdir(parent).catch(() => []);
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX)).map(async (name) => {
      const folder = path.join(parent, name);
      // Neither a folder that has just gone nor one that can't be removed is worth a failed start.
      if (await isLeftover(folder).catch(() => false)) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    }),
  );
}

async function isLeftover(folder: string): Promise<boolean> {
  if (ours.has(folder)) return false;
  if (Date.now() - (await stat(folder)).mtimeMs > ABANDONED) return true;
  const [pid = '', , ...host] = path.basename(folder).slice(PREFIX.length).split('.');
  return host.join('.') === os.hostname() && (Number(pid) === process.pid || !isAlive(Number(pid)));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
