import path from 'node:path';
import { isByproduct, isForeign, languageOf, SOURCE_ENDINGS } from './languages';

/** Something in `lib/src` that is no source, and why a person may wonder. */
export interface Note {
  readonly path: string;
  readonly words: string;
}

/**
 * What in the folder of all sources is neither compiled nor served, though a person may expect it to be.
 * @param names of all that is in it
 * @param isServed whether a library of some name is there, however it was made
 */
export function besideSources(folder: string, names: readonly string[], isServed: (name: string) => boolean): Note[] {
  const isWanted = (name: string): boolean => !isServed(stem(name));
  const sources = stemsOfSources(names);
  const libraries = names.filter((name) => /\.(so|dylib)$/.test(name) && isWanted(name) && !sources.has(stem(name)));
  const advice = 'libraries belong into the folder above';
  return [
    ...foreign(folder, names.filter(isWanted), 'build that yourself, and put the library into the folder above'),
    ...(libraries.length === 0 ? [] : [{ path: folder, words: `has ${libraries.join(', ')}, which is not served from there: ${advice}` }]),
  ];
}

/** What in a folder of C or C++ is no part of its library, though a person may expect it to be. */
export function besideC(folder: string, names: readonly string[]): Note[] {
  return foreign(folder, names, 'compile that yourself, and name the object in ldflags');
}

function foreign(folder: string, names: readonly string[], advice: string): Note[] {
  const sources = stemsOfSources(names);
  const found = names.filter((name) => isForeign(name) && !(isByproduct(name) && sources.has(stem(name))));
  if (found.length === 0) return [];
  const words = `has ${found.join(', ')}, which dlserve does not compile (only ${SOURCE_ENDINGS.join(', ')}): ${advice}`;
  return [{ path: folder, words }];
}

function stemsOfSources(names: readonly string[]): Set<string> {
  return new Set(names.filter((name) => languageOf(name) !== undefined).map(stem));
}

function stem(name: string): string {
  return path.parse(name).name;
}
