import path from 'node:path';

/** Parts of macOS live in the loader's shared cache and not in files of their own. */
export function isBuiltIn(name: string): boolean {
  return name.startsWith('/usr/lib/') || name.startsWith('/System/');
}

/**
 * The files that the loader tries for a library, in its order: dyld(1).
 * @param loader absolute path of the library that needs it
 * @param runpath of that library
 */
export function machOCandidates(name: string, loader: string, runpath: readonly string[]): string[] {
  const place = (file: string): string =>
    path.resolve(
      file
        .replace(/^@loader_path(?=\/|$)/, path.dirname(loader))
        .replace(/^@executable_path(?=\/|$)/, path.dirname(process.execPath)),
    );
  const wished = (process.env.DYLD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const inRunpath = name.startsWith('@rpath/');
  return [
    ...wished.map((folder) => path.resolve(folder, path.basename(name))),
    ...(inRunpath ? runpath.map((folder) => path.join(place(folder), name.slice('@rpath/'.length))) : [place(name)]),
    path.join('/usr/local/lib', path.basename(name)),
  ];
}
