import type { Bytes } from '../bytes';
import type { Dynamic } from './dynamic';
import { fileOffset, type Elf } from './headers';

/** Bytes: some thousand versions. */
const MAX_SIZE = 65_536;

const VERSION = /^GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0/;
/** Longer than any of these with its NUL. */
const MAX_VERSION = 32;

/**
 * The newest version of glibc that it wants a symbol from; it can't be loaded with an older one.
 * @throws Malformed
 */
export async function glibcNeeded(elf: Elf, { versionNeeds, strings }: Dynamic): Promise<string | undefined> {
  if (versionNeeds === undefined) return undefined;
  const start = fileOffset(elf, versionNeeds);
  const bytes = await elf.source.bytes(start, Math.min(MAX_SIZE, elf.source.length - start), elf.little);
  let newest: readonly [number, number] = [0, 0];
  for (const name of versionNames(bytes, start)) {
    const match = VERSION.exec(strings.toString('latin1', name, name + MAX_VERSION));
    const [major, minor] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
    if (major > newest[0] || (major === newest[0] && minor > newest[1])) newest = [major, minor];
  }
  return newest[0] === 0 ? undefined : newest.join('.');
}

/**
 * Where the names of the versions are in the string table: for each library a list of them.
 * Format: https://refspecs.linuxbase.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
 */
function* versionNames(bytes: Bytes, start: number): Generator<number> {
  // Entries can't overlap in an honest file.
  let left = MAX_SIZE / 16;
  let library = start;
  for (let toLibrary = 1; toLibrary !== 0; library += toLibrary) {
    let version = library + bytes.u32(library + 8);
    for (let toVersion = 1; toVersion !== 0; version += toVersion) {
      if (left-- === 0) return;
      yield bytes.u32(version + 8);
      toVersion = bytes.u32(version + 12);
    }
    toLibrary = bytes.u32(library + 12);
  }
}
