import path from 'node:path';
import type { Binary } from '../../binary/binary';
import { machineMisfit, misfitOf } from '../../binary/fits';
import { readLibrary } from '../../binary/read';
import type { System } from '../../binary/system';
import { elfFolders, expandOrigin } from './search-elf';
import { expandLoaderPath, isBuiltIn, machOCandidates } from './search-macho';

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
export async function findNeeded(file: string, library: Binary, system: System): Promise<Needed[]> {
  if (misfitOf(library, system) !== undefined) {
    return library.needed.map((name) => ({ name, by: null, path: null, searched: false }));
  }
  const found = new Map<string, Needed>();
  const waiting: Loader[] = [{ file, library, name: null, inherited: [] }];
  for (let loader = waiting.shift(); loader !== undefined; loader = waiting.shift()) {
    const expand = library.format === 'elf' ? expandOrigin : expandLoaderPath;
    const own = loader.library.runpath.map((folder) => expand(folder, loader.file));
    const runpath = [...own, ...loader.inherited];
    const inherited = loader.library.runpathInherited ? runpath : loader.inherited;
    for (const name of loader.library.needed) {
      if (found.has(name)) continue;
      const match = await findOne(name, loader, runpath, system);
      found.set(name, { name, by: loader.name, path: match?.file ?? null, searched: true });
      if (match?.library) waiting.push({ file: match.file, library: match.library, name, inherited });
    }
  }
  return [...found.values()];
}

/** A library whose needs are looked for. */
interface Loader {
  readonly file: string;
  readonly library: Binary;
  /** As the one before it names it; null for the inspected one. */
  readonly name: string | null;
  /** Folders of those before it. */
  readonly inherited: readonly string[];
}

async function findOne(
  name: string,
  loader: Loader,
  runpath: readonly string[],
  system: System,
): Promise<{ file: string; library?: Binary } | undefined> {
  if (loader.library.format === 'mach-o' && isBuiltIn(name)) return { file: name };
  for (const file of await candidates(name, loader, runpath)) {
    const library = await tryRead(file, system);
    if (library !== undefined) return { file, library };
  }
  return undefined;
}

async function candidates(name: string, { file, library }: Loader, runpath: readonly string[]): Promise<string[]> {
  if (library.format === 'mach-o') return machOCandidates(name, file, runpath);
  if (name.includes('/')) return [path.resolve(name)];
  return (await elfFolders(name, runpath)).map((folder) => path.join(folder, name));
}

/** A loader passes over what is no library, or one for another machine, and looks on. */
async function tryRead(file: string, system: System): Promise<Binary | undefined> {
  try {
    const library = await readLibrary(file);
    return machineMisfit(library, system) === undefined ? library : undefined;
  } catch {
    return undefined;
  }
}
