import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** What the loaders of glibc and musl fall back to, and Debian's folders by machine. */
const DEFAULT_FOLDERS: readonly string[] = ['/lib64', '/usr/lib64', `/${multiarch()}`, `/usr/${multiarch()}`, '/lib', '/usr/lib', '/usr/local/lib'];

/** Debian's folder for libraries of this machine, below / and /usr. */
export function multiarch(): string {
  const machine = os.machine();
  return `lib/${machine}-linux-gnu${machine.startsWith('armv') ? 'eabihf' : ''}`;
}

/** Where a library is looked for besides the places that serve all, in absolute paths. */
export interface RunPath {
  /** DT_RPATH, of the library that needs it and of those before that one. */
  readonly rpath: readonly string[];
  /** DT_RUNPATH of the library that needs it, in place of these. */
  readonly runpath: readonly string[];
}

/**
 * The files that the loader tries for a library, in its order: ld.so(8).
 * @param name expanded
 */
export async function elfCandidates(name: string, { rpath, runpath }: RunPath): Promise<string[]> {
  if (name.includes('/')) return [path.resolve(name)];
  const variable = process.env.LD_LIBRARY_PATH;
  const wished = variable ? variable.split(/[:;]/).map((folder) => path.resolve(folder)) : [];
  const cached = (await cache()).get(name) ?? [];
  const folders = [...rpath, ...wished, ...runpath, ...cached.map((file) => path.dirname(file)), ...DEFAULT_FOLDERS];
  return folders.map((folder) => path.join(folder, name));
}

let cached: Promise<ReadonlyMap<string, readonly string[]>> | undefined;

/** glibc's cache; empty where there is none, as with musl. */
function cache(): Promise<ReadonlyMap<string, readonly string[]>> {
  cached ??= readFile('/etc/ld.so.cache').then(parseCache, () => new Map<string, string[]>());
  return cached;
}

const MAGIC = 'glibc-ld.so.cache1.1';
const HEADER_SIZE = 48;
const ENTRY_SIZE = 24;

/**
 * Reads /etc/ld.so.cache: the paths of each library, by its name. Of a damaged file, what can be read.
 * Format: glibc, sysdeps/generic/dl-cache.h (struct cache_file_new, which an older table may precede).
 */
export function parseCache(bytes: Buffer): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  const start = bytes.indexOf(MAGIC);
  if (start === -1 || start + HEADER_SIZE > bytes.length) return paths;
  const u32 = (offset: number): number =>
    os.endianness() === 'LE' ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
  const text = (offset: number): string => {
    const end = bytes.indexOf(0, offset);
    return bytes.toString('utf8', offset, end === -1 ? offset : end);
  };
  const count = u32(start + MAGIC.length);
  for (let i = 0, at = start + HEADER_SIZE; i < count && at + ENTRY_SIZE <= bytes.length; i++, at += ENTRY_SIZE) {
    const name = text(start + u32(at + 4));
    const file = text(start + u32(at + 8));
    paths.set(name, [...(paths.get(name) ?? []), file]);
  }
  return paths;
}
