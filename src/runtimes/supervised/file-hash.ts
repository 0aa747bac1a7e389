import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { messageOf } from '../../ground/errors';

/** A file as it was when it was looked at. */
export interface HashedFile {
  /** Changes when the file does. */
  readonly identity: string;
  /** Hash of its bytes, in hex; or why there is none. */
  readonly sha256: string;
}

/** Milliseconds until a file is hashed: the call that had its library opened goes first. */
const HASH_DELAY = 100;

/** Looks at a file. Never rejects: it serves the log only. */
export async function hashFile(path: string): Promise<HashedFile> {
  try {
    const identity = await fileIdentity(path);
    await setTimeout(HASH_DELAY, undefined, { ref: false });
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    return { identity, sha256: hash.digest('hex') };
  } catch (error) {
    return { identity: '', sha256: messageOf(error) };
  }
}

/** @throws what stat throws */
export async function fileIdentity(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs } = await stat(path);
  return `${dev} ${ino} ${size} ${mtimeMs}`;
}
