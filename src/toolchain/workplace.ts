import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Milliseconds after which no build can still be at work: what another machine has left behind goes then. */
const ABANDONED = 24 * 60 * 60 * 1000;

const PREFIX = 'build-';

/** The folders in which this process is at work. In a container that restarts, the last one had the same process id. */
const ours = new Set<string>();

/** Where the toolchain keeps what is its own: hidden, so it can never be served, and on the file system of the libraries. */
export function toolchainFolder(pluginpath: string): string {
  return path.join(pluginpath, '.dlserve');
}

/** Creates the folder, which keeps itself out of git. */
export async function createToolchainFolder(pluginpath: string): Promise<string> {
  const folder = toolchainFolder(pluginpath);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  return folder;
}

/**
 * Gives a task a folder of its own, on the file system of the libraries so that its result can be renamed into place, and
 * removes it afterwards.
 * @throws what creating it throws: the pluginpath may be read-only
 */
export async function withWorkplace<T>(pluginpath: string, task: (folder: string) => Promise<T>): Promise<T> {
  const parent = await createToolchainFolder(pluginpath);
  const folder = path.join(parent, `${PREFIX}${process.pid}.${randomBytes(6).toString('hex')}.${os.hostname()}`);
  ours.add(folder);
  try {
    await mkdir(folder);
    return await task(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    ours.delete(folder);
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
