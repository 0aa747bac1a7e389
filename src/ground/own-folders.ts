import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Milliseconds after which nothing can still be at work: what another machine has left behind goes then. */
const ABANDONED = 24 * 60 * 60 * 1000;

/** The names that are in use here. */
const ours = new Set<string>();

/** A name for a file or folder that is this process's own, until it is let go of by {@link disownName}. */
export function ownName(prefix: string): string {
  const name = `${prefix}${process.pid}.${randomBytes(6).toString('hex')}.${os.hostname()}`;
  ours.add(name);
  return name;
}

export function disownName(name: string): void {
  ours.delete(name);
}

/** Removes from a folder what processes that were killed have left under such names; what another one has in use stays. Never rejects. */
export async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names.filter((name) => name.startsWith(prefix)).map(async (name) => {
      const place = path.join(folder, name);
      // Neither one that has just gone nor one that can't be removed is worth a failed start.
      if (await isLeftover(place, name, prefix).catch(() => false)) await rm(place, { recursive: true, force: true }).catch(() => undefined);
    }),
  );
}

async function isLeftover(place: string, name: string, prefix: string): Promise<boolean> {
  const [, own, pid, host] = /^((\d+)\.[0-9a-f]{12}\.(.+))$/.exec(name.slice(prefix.length)) ?? [];
  if (own === undefined || ours.has(name)) return false;
  const age = Date.now() - (await stat(place)).mtimeMs;
  if (host !== os.hostname()) return age > ABANDONED;
  // This process has it in use from another thread, or another copy of dlserve has; or the last process had this id.
  return Number(pid) === process.pid ? age > process.uptime() * 1000 : !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
