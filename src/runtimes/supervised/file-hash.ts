import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
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

/** Bytes that are read at once. */
const PART = 64 * 1024;

/** Looks at a file. Never rejects: it serves the log only. */
export async function hashFile(path: string): Promise<HashedFile> {
  try {
    const identity = await fileIdentity(path);
    await setTimeout(HASH_DELAY, undefined, { ref: false });
    const hash = createHash('sha256');
    for await (const bytes of partsOf(path)) hash.update(bytes);
    return { identity, sha256: hash.digest('hex') };
  } catch (error) {
    return { identity: '', sha256: messageOf(error) };
  }
}

/** Its bytes; each part is overwritten by the next. A stream would take several times as long over a small file. */
async function* partsOf(path: string): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const part = Buffer.allocUnsafe(PART);
    for (;;) {
      const { bytesRead } = await file.read(part, 0, PART);
      if (bytesRead === 0) return;
      yield part.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** @throws what stat throws */
export async function fileIdentity(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs } = await stat(path);
  return `${dev} ${ino} ${size} ${mtimeMs}`;
}
