import { existsSync } from 'node:fs';
import path from 'node:path';
import { libraryEndings } from '../binary/endings';

/** Where the library of a source is put. */
export function libraryPath(pluginpath: string, name: string): string {
  return path.join(pluginpath, name + libraryEndings()[0]!);
}

/** Whether there is a library to serve, whatever it was built from. */
export function hasLibrary(pluginpath: string, name: string): boolean {
  return libraryEndings().some((extension) => existsSync(path.join(pluginpath, name + extension)));
}
