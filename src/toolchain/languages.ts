import path from 'node:path';

export type Language = 'c' | 'c++' | 'go';

const LANGUAGES: Readonly<Record<string, Language>> = { '.c': 'c', '.cc': 'c++', '.cpp': 'c++', '.cxx': 'c++', '.go': 'go' };

/** The endings of files that are a source by themselves. */
export const SOURCE_ENDINGS: readonly string[] = Object.keys(LANGUAGES);

/** Of languages that libraries are written in too, and of C and C++ as others spell them. */
const FOREIGN_ENDINGS = new Set(
  `.C .CC .CPP .CXX .c++ .cp .cppm .ixx .cu .m .mm .s .S .asm .f .F .f77 .f90 .F90 .f95 .f03 .f08 .for
  .rs .zig .d .nim .swift .pas .pp .adb .cr .v .odin .hs .ml .kt .cs .fs`.split(/\s+/),
);

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

/** Whether a person may take a file for a source, and dlserve does not. */
export function isForeign(file: string): boolean {
  return FOREIGN_ENDINGS.has(path.extname(file));
}

/** Whether a compiler may have put a file beside its source: assembly, and the rules of `-MD`. */
export function isByproduct(file: string): boolean {
  return /\.[sd]$/.test(file);
}
