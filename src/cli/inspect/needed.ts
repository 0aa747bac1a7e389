import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { machineFits, readLibrary, type Library } from '../../contract/library';
import { elfFolders } from './search-elf';
import { isBuiltIn, machOCandidates } from './search-macho';

/** A library that another one can't be loaded without. */
export interface Needed {
  /** As the library names it. */
  readonly name: string;
  /** Which of the needed libraries needs it; null: the inspected one itself. */
  readonly by: string | null;
  /** Where it was found; null where it was not. */
  readonly path: string | null;
  /** False for a library of another machine: what is on this host says nothing about it. */
  readonly searched: boolean;
}

/**
 * Looks for the libraries that a library needs, and for those that these need in turn, where this host's loader would.
 * @param file absolute path of the library
 */
export async function findNeeded(file: string, library: Library): Promise<Needed[]> {
  if (machineFits(library, process.platform, process.arch) !== undefined) {
    return library.needed.map((name) => ({ name, by: null, path: null, searched: false }));
  }
  const found = new Map<string, Needed>();
  const waiting: { file: string; library: Library; by: string | null }[] = [{ file, library, by: null }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const name of next.library.needed) {
      if (found.has(name)) continue;
      const match = await findOne(name, next.file, [...next.library.runpath, ...library.runpath], library.format);
      found.set(name, { name, by: next.by, path: match?.file ?? null, searched: true });
      if (match?.library) waiting.push({ file: match.file, library: match.library, by: name });
    }
  }
  return [...found.values()];
}

async function findOne(
  name: string,
  loader: string,
  runpath: readonly string[],
  format: Library['format'],
): Promise<{ file: string; library?: Library } | undefined> {
  if (format === 'mach-o' && isBuiltIn(name)) return { file: name };
  const candidates =
    format === 'mach-o'
      ? machOCandidates(name, loader, runpath)
      : name.includes('/')
        ? [path.resolve(name)]
        : (await elfFolders(name, loader, runpath)).map((folder) => path.join(folder, name));
  for (const file of candidates) {
    const library = await tryRead(file);
    if (library !== undefined) return { file, library };
  }
  return undefined;
}

/** A loader passes over what is no library, or one for another machine, and looks on. */
async function tryRead(file: string): Promise<Library | undefined> {
  try {
    const library = readLibrary(await readFile(file));
    return machineFits(library, process.platform, process.arch) === undefined ? library : undefined;
  } catch {
    return undefined;
  }
}
