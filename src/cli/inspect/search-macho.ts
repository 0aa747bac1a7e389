import path from 'node:path';

/** Parts of macOS live in the loader's shared cache and not in files of their own. */
export function isBuiltIn(name: string): boolean {
  return name.startsWith('/usr/lib/') || name.startsWith('/System/');
}

/** A path with what dyld knows of itself put in; @loader_path is where the library is that names it. */
export function expandLoaderPath(file: string, loader: string): string {
  return path.resolve(
    file
      .replace(/^@loader_path(?=\/|$)/, path.dirname(loader))
      .replace(/^@executable_path(?=\/|$)/, path.dirname(process.execPath)),
  );
}

/**
 * The files that the loader tries for a library, in its order: dyld(1).
 * @param loader absolute path of the library that needs it
 * @param runpath absolute
 */
export function machOCandidates(name: string, loader: string, runpath: readonly string[]): string[] {
  const wished = (process.env.DYLD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const named = name.startsWith('@rpath/')
    ? runpath.map((folder) => path.join(folder, name.slice('@rpath/'.length)))
    : [expandLoaderPath(name, loader)];
  const fallback = path.join('/usr/local/lib', path.basename(name));
  return [...wished.map((folder) => path.resolve(folder, path.basename(name))), ...named, fallback];
}
