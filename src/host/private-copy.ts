import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { disownName, ownName, removeLeftovers } from '../ground/own-folders';
import { isShortage } from '../ground/shortage';
import type { PluginFile } from '../plugin/runtime';
import { fingerprintOf } from './find';

/** Where copies lie: hidden, so they are never served, and on the file system of the libraries, which lets code be run. */
const FOLDER = '.dlserve';
const PREFIX = 'open-';
const BESIDE = '.dlserve-open-';
/** What leads a library to others that lie beside it: such a copy stays in its folder. */
const LEADS_BESIDE = ['$ORIGIN', '${ORIGIN}', '@loader_path'];
/** How often a file is read again that changes meanwhile, and milliseconds between. */
const READS = 50;
const PAUSE = 20;

/**
 * The file that a generation of a plugin runs from. It is the generation's own: what becomes of the file in pluginpath, also where
 * it is written over in place, touches nothing that runs; a process that is started later opens the same bytes; and the system's loader, which
 * knows libraries by path and inode, takes it for a new one.
 */
export interface PrivateCopy {
  readonly file: PluginFile;
  /** Whether it is the file in pluginpath itself, as no copy could be made. */
  readonly isOriginal: boolean;
  /** Whether this process has it in memory: one that is closed and could not be unloaded, say. */
  isMapped(): Promise<boolean>;
  /** Deletes it. Never rejects. */
  remove(): Promise<void>;
}

/**
 * @param source a file in pluginpath, or a copy of one, which keeps the fingerprint that its file had
 * @throws what reading the file throws, and where it does not come to rest
 */
export async function copyOf(source: PluginFile | PrivateCopy, pluginpath: string, log: Logger): Promise<PrivateCopy> {
  const file = fileOf(source);
  const { bytes, mode, fingerprint: found } = await readAtRest(file.path);
  const fingerprint = 'file' in source && !source.isOriginal ? file.fingerprint : found;
  const isBound = LEADS_BESIDE.some((word) => bytes.includes(word));
  const own = ownName(isBound ? BESIDE : PREFIX);
  const place = isBound ? path.join(path.dirname(file.path), own) : path.join(pluginpath, FOLDER, own);
  const copy = isBound ? place : path.join(place, file.base);
  const remove = async (): Promise<void> => {
    await rm(place, { recursive: true, force: true }).catch(() => undefined);
    disownName(own);
  };
  try {
    if (!isBound) await createFolder(place);
    await writeFile(copy, bytes, { flag: 'wx' });
    await chmod(copy, mode | 0o400);
    const { dev, ino } = await stat(copy);
    return {
      file: { path: copy, base: file.base, identity: `${dev}:${ino}`, fingerprint },
      isOriginal: false,
      isMapped: () => isMapped(copy),
      remove,
    };
  } catch (error) {
    await remove();
    if (isShortage(error)) throw error;
    log.debug({ library: file.base, reason: messageOf(error) }, 'no private copy can be made: the library is opened where it is');
    return { file: { ...file, fingerprint }, isOriginal: true, isMapped: () => isMapped(file.path), remove: () => Promise.resolve() };
  }
}

/** The file itself. */
export function fileOf(source: PluginFile | PrivateCopy): PluginFile {
  return 'file' in source ? source.file : source;
}

/** Reads a file that nobody writes to meanwhile. */
async function readAtRest(place: string): Promise<{ bytes: Buffer; mode: number; fingerprint: string }> {
  for (let reads = 1; ; reads++) {
    const before = fingerprintOf(await stat(place));
    const bytes = await readFile(place);
    const after = await stat(place);
    const fingerprint = fingerprintOf(after);
    if (before === fingerprint && bytes.length === after.size) return { bytes, mode: after.mode & 0o777, fingerprint };
    if (reads === READS) throw new Error('it changes while it is read; put it in place by renaming');
    await setTimeout(PAUSE);
  }
}

/** The folder that holds all of them is made with the first, and keeps itself out of git. */
async function createFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const parent = path.dirname(folder);
    await mkdir(parent, { recursive: true });
    await writeFile(path.join(parent, '.gitignore'), '*\n', { flag: 'wx' }).catch(() => undefined);
    await mkdir(folder);
  }
}

async function isMapped(place: string): Promise<boolean> {
  const maps = await readFile('/proc/self/maps', 'latin1').catch(() => '');
  return maps.includes(place);
}

/** Deletes the copies that processes of this machine have left behind which were killed. Never rejects. */
export async function removeAbandonedCopies(pluginpath: string): Promise<void> {
  await Promise.all([removeLeftovers(path.join(pluginpath, FOLDER), PREFIX), removeLeftovers(pluginpath, BESIDE)]);
}
