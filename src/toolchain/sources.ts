import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../ground/errors';
import { isFileName } from '../plugin/name';
import { isHeader, isIgnored, languageOf, type Language } from './languages';
import { hasLibrary } from './library';
import { besideC, besideSources, type Note } from './passed-over';

/** What one library is built from: a single file, or the files of a folder. */
export interface Source {
  /** The `{file}` of the library. */
  readonly name: string;
  readonly language: Language;
  /** Absolute path of the file or folder. */
  readonly path: string;
  readonly folder: boolean;
  /** Absolute paths of every file whose content counts, sorted. */
  readonly files: readonly string[];
}

export interface Found {
  readonly sources: readonly Source[];
  /** Names whose source can't be had, and why: several claim the name, or it can't be read. */
  readonly unusable: ReadonlyMap<string, Error>;
  readonly notes: readonly Note[];
}

/** The folder in which prestd keeps the sources of its middleware plugins. */
const MIDDLEWARES = 'middlewares';

/** The folder that holds the sources of a pluginpath. */
export function sourceFolder(pluginpath: string): string {
  return path.join(pluginpath, 'src');
}

/**
 * Looks through `<pluginpath>/src`. A pluginpath without it has no sources.
 * @throws what reading a folder throws, other than for the absence of `src`
 */
export async function findSources(pluginpath: string): Promise<Found> {
  const folder = sourceFolder(pluginpath);
  const names = (await entries(folder)).map(({ name }) => name);
  const notes = besideSources(folder, names, (name) => hasLibrary(pluginpath, name));
  const unusable = new Map<string, Error>();
  const candidates = await Promise.all(
    names.map((name) => inspect(path.join(folder, name), notes, (plugin, error) => unusable.set(plugin, error))),
  );

  const byName = new Map<string, Source[]>();
  for (const source of candidates) {
    if (source === undefined) continue;
    const rivals = byName.get(source.name);
    if (rivals === undefined) byName.set(source.name, [source]);
    else rivals.push(source);
  }
  const sources: Source[] = [];
  for (const [name, rivals] of byName) {
    if (rivals.length > 1) unusable.set(name, severalSources(rivals));
    else if (!unusable.has(name)) sources.push(rivals[0]!);
  }
  return { sources, unusable, notes };
}

function severalSources(rivals: readonly Source[]): Error {
  const list = rivals.map((rival) => path.basename(rival.path)).join(' and ');
  return new Error(`src has ${list}, and only one of them can be its source: rename or remove the other`);
}

type Refuse = (plugin: string, error: Error) => void;

async function inspect(place: string, notes: Note[], refuse: Refuse): Promise<Source | undefined> {
  const base = path.basename(place);
  const info = await stat(place).catch(() => undefined);
  if (info?.isDirectory()) {
    return inspectFolder(place, notes).catch((error: unknown) => {
      refuse(base, new Error(`its source can't be read: ${messageOf(error)}`, { cause: error }));
      return undefined;
    });
  }
  const language = languageOf(base);
  const name = path.parse(base).name;
  if (language === undefined || !legal(name, place, notes)) return undefined;
  if (info === undefined) notes.push({ path: place, words: 'is a link that leads nowhere, so nothing is built of it' });
  else if (!info.isFile()) refuse(name, new Error(`its source can't be read: ${misfit(base, info)}`));
  else return { name, language, path: place, folder: false, files: [place] };
  return undefined;
}

async function inspectFolder(place: string, notes: Note[]): Promise<Source | undefined> {
  const name = path.basename(place);
  if (name === MIDDLEWARES) {
    notes.push({ path: place, words: 'holds middleware plugins of prestd, which dlserve does not serve' });
    return undefined;
  }
  const files = await walk(place);
  const languages = new Set(compiledFiles(place, files).map(languageOf));
  if (languages.size === 0) {
    // A folder of nothing but headers is there for the sources beside it.
    if (!files.every(isHeader)) notes.push({ path: place, words: 'has no C, C++ or Go source right inside it, so nothing is built of it' });
    return undefined;
  }
  if (!legal(name, place, notes)) return undefined;
  // C and C++ beside Go belong to its package: cgo compiles them, as it does Fortran, Objective-C and assembly.
  const language = languages.has('go') ? 'go' : languages.has('c++') ? 'c++' : 'c';
  if (language !== 'go') {
    const inside = files.filter((file) => path.dirname(file) === place).map((file) => path.basename(file));
    notes.push(...besideC(place, inside));
  }
  return { name, language, path: place, folder: true, files };
}

function legal(name: string, place: string, notes: Note[]): boolean {
  if (isFileName(name)) return true;
  notes.push({ path: place, words: 'has a name that no URL can have: use letters, digits, "_", "-" and ".", up to 200' });
  return false;
}

/** The files right inside a folder that are handed to a compiler; what lies deeper is there to be included. */
export function compiledFiles(folder: string, files: readonly string[]): string[] {
  return files.filter((file) => path.dirname(file) === folder && languageOf(file) !== undefined && !isIgnored(file));
}

/**
 * Every file below a folder, sorted; hidden ones are left out, and links to folders are not followed.
 * @throws for what is named like a source or a header and is no file, since a compiler might wait for it for ever
 */
export async function walk(folder: string): Promise<string[]> {
  const found = await Promise.all(
    (await entries(folder)).map(async (entry) => {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) return walk(place);
      if (entry.isFile()) return [place];
      const info = await stat(place).catch(() => undefined);
      if (info === undefined || info.isDirectory()) return [];
      if (info.isFile()) return [place];
      if (languageOf(entry.name) === undefined && !isHeader(entry.name)) return [];
      throw new Error(misfit(entry.name, info));
    }),
  );
  return found.flat().sort();
}

function misfit(name: string, info: Stats): string {
  const kind = info.isFIFO() ? 'a named pipe' : info.isSocket() ? 'a socket' : 'a device';
  return `${name} is ${kind}, not a regular file`;
}

/** What is in a folder and not hidden, sorted; nothing where there is no folder. */
async function entries(folder: string): Promise<Dirent[]> {
  try {
    const all = await readdir(folder, { withFileTypes: true });
    return all.filter((entry) => !entry.name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
