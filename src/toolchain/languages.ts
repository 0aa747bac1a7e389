import path from 'node:path';

export type Language = 'c' | 'c++' | 'go';

const LANGUAGES: Readonly<Record<string, Language>> = { '.c': 'c', '.cc': 'c++', '.cpp': 'c++', '.cxx': 'c++', '.go': 'go' };

/** The endings of files that are a source by themselves. */
export const SOURCE_ENDINGS: readonly string[] = Object.keys(LANGUAGES);

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
