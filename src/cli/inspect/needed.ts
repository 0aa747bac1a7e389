import path from 'node:path';
import type { Binary } from '../../binary/binary';
import { machineMisfit, misfitOf } from '../../binary/fits';
import { readLibrary } from '../../binary/read';
import type { System } from '../../binary/system';
import { elfCandidates, type RunPath } from './search-elf';
import { expandLoaderPath, isBuiltIn, machOCandidates } from './search-macho';
import { expandTokens } from './tokens';

/** A library that another one can't be loaded without. */
export interface Needed {
  /** As the library names it. */
  readonly name: string;
  /** Which of the needed libraries needs it; null: the inspected one itself. */
  readonly by: string | null;
  /** Where it was found; null where it was not. */
  readonly path: string | null;
  /** False for a library of another machine: what is on this host says nothing about it. Also where there are far too many. */
  readonly searched: boolean;
}

/** Files that are looked for in all, so that a hostile library with many needs and many run paths comes to an end. */
const MAX_LOOKS = 20_000;

/**
 * Looks for the libraries that a library needs, and for those that these need in turn, where this host's loader would.
 * @param file absolute path of the library
 */
export async function findNeeded(file: string, library: Binary, system: System): Promise<Needed[]> {
  if (misfitOf(library, system) !== undefined) {
    return library.needed.map((name) => ({ name, by: null, path: null, searched: false }));
  }
  const search = new Search(system);
  const waiting: Loader[] = [{ file, library, name: null, inherited: [] }];
  for (let loader = waiting.shift(); loader !== undefined; loader = waiting.shift()) waiting.push(...(await search.needsOf(loader)));
  return search.found;
}

/** A library whose needs are looked for. */
interface Loader {
  readonly file: string;
  readonly library: Binary;
  /** As the one before it names it; null for the inspected one. */
  readonly name: string | null;
  /** Folders of those before it, in which those that need it look, too. */
  readonly inherited: readonly string[];
}

class Search {
  readonly #found = new Map<string, Needed>();
  #looks = MAX_LOOKS;

  constructor(private readonly system: System) {}

  /** What was looked for so far, each library once. */
  get found(): Needed[] {
    return [...this.#found.values()];
  }

  /** Looks for what a library needs. @returns what was not known before and is a library itself */
  async needsOf(loader: Loader): Promise<Loader[]> {
    const { file, library } = loader;
    const own = (await this.#expand(library.runpath, file)).map((folder) => path.resolve(folder));
    const inherited = library.runpathInherited ? [...own, ...loader.inherited] : loader.inherited;
    // A library with a DT_RUNPATH doesn't look in the DT_RPATH of those before it.
    const runPath = library.runpathInherited ? { rpath: inherited, runpath: [] } : { rpath: [], runpath: own };
    const next: Loader[] = [];
    for (const [i, wanted] of (await this.#expand(library.needed, file)).entries()) {
      if (this.#found.has(wanted)) continue;
      const name = library.needed[i]!;
      const match = this.#looks > 0 ? await this.#findOne(wanted, loader, runPath) : undefined;
      this.#found.set(wanted, { name, by: loader.name, path: match?.file ?? null, searched: match !== undefined || this.#looks > 0 });
      if (match?.library) next.push({ file: match.file, library: match.library, name, inherited });
    }
    return next;
  }

  async #expand(texts: readonly string[], file: string): Promise<string[]> {
    if (this.system.platform === 'darwin') return texts.map((text) => (text.startsWith('@rpath/') ? text : expandLoaderPath(text, file)));
    return Promise.all(texts.map((text) => expandTokens(text, file, this.system.loader)));
  }

  async #findOne(name: string, { file }: Loader, runPath: RunPath): Promise<{ file: string; library?: Binary } | undefined> {
    const isMac = this.system.platform === 'darwin';
    if (isMac && isBuiltIn(name)) return { file: name };
    for (const candidate of isMac ? machOCandidates(name, file, runPath.rpath) : await elfCandidates(name, runPath)) {
      if (--this.#looks < 0) return undefined;
      const library = await this.#tryRead(candidate);
      if (library !== undefined) return { file: candidate, library };
    }
    return undefined;
  }

  /** A loader passes over what is no library, or one for another machine, and looks on. */
  async #tryRead(file: string): Promise<Binary | undefined> {
    try {
      const library = await readLibrary(file);
      return machineMisfit(library, this.system) === undefined ? library : undefined;
    } catch {
      return undefined;
    }
  }
}
