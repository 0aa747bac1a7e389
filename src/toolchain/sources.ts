import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../ground/errors';
import { isFileName } from '../plugin/name';

export type Language = 'c' | 'c++' | 'go';

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

/** Something in `lib/src` that is no source, and why a person may wonder. */
export interface Note {
  readonly path: string;
  readonly words: string;
}

export interface Found {
  readonly sources: readonly Source[];
  /** Names whose source can't be had, and why: several claim the name, or a folder can't be read. */
  readonly unusable: ReadonlyMap<string, Error>;
  readonly notes: readonly Note[];
}

const LANGUAGES: Readonly<Record<string, Language>> = { '.c': 'c', '.cc': 'c++', '.cpp': 'c++', '.cxx': 'c++', '.go': 'go' };

/** The endings of files that are a source by themselves. */
export const SOURCE_ENDINGS: readonly string[] = Object.keys(LANGUAGES);

/** The folder in which prestd keeps the sources of its middleware plugins. */
const MIDDLEWARES = 'middlewares';

/** The language of a file by its ending; undefined where it is not compiled by itself. */
export function languageOf(file: string): Language | undefined {
  return file.endsWith('_test.go') ? undefined : LANGUAGES[path.extname(file)];
}

/** Whether go leaves a Go file out by its name, tests aside; names that begin with a dot are hidden from everybody. */
export function isIgnored(file: string): boolean {
  return languageOf(file) === 'go' && path.basename(file).startsWith('_');
}

/** Whether a file is only there to be included by others. */
export function isHeader(file: string): boolean {
  return /\.(h|hh|hpp|hxx|inc)$/.test(file);
}

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
  const notes: Note[] = [];
  const unusable = new Map<string, Error>();
  const candidates = await Promise.all(
    (await entries(folder)).map((entry) =>
      inspect(path.join(folder, entry.name), notes).catch((error: unknown) => {
        unusable.set(entry.name, new Error(`its source can't be read: ${messageOf(error)}`, { cause: error }));
        return undefined;
      }),
    ),
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

async function inspect(place: string, notes: Note[]): Promise<Source | undefined> {
  const base = path.basename(place);
  const info = await stat(place).catch(() => undefined);
  if (info?.isDirectory()) return inspectFolder(place, notes);
  const language = languageOf(base);
  if (language === undefined || !info?.isFile()) return undefined;
  const name = path.parse(base).name;
  return legal(name, place, notes) ? { name, language, path: place, folder: false, files: [place] } : undefined;
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
  // C and C++ beside Go belong to its package: cgo compiles them.
  const language = languages.has('go') ? 'go' : languages.has('c++') ? 'c++' : 'c';
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

/** Every file below a folder, sorted; hidden ones are left out, and links to folders are not followed. */
export async function walk(folder: string): Promise<string[]> {
  const found = await Promise.all(
    (await entries(folder)).map(async (entry) => {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) return walk(place);
      if (entry.isSymbolicLink() && !(await stat(place).catch(() => undefined))?.isFile()) return [];
      return entry.isFile() || entry.isSymbolicLink() ? [place] : [];
    }),
  );
  return found.flat().sort();
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
