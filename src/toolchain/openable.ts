import { statSync } from 'node:fs';
import path from 'node:path';
import { fromWorkingDirectory } from '../ground/working-directory';

/**
 * What a line of a compiler has before the name of a file, the name, and what comes after it:
 *
 *     hi.c:3:5: error: ...                    hi.c: In function 'f':            hi.c:(.text+0x5): undefined reference
 *     In file included from hi.h:1,                           from hi.c:1:
 *     \tx.go:5:2: other declaration of X          inlined from 'f' at hi.c:3:5:
 */
const PLACE = /^((?:In file included | *)from | *inlined from .* at |[ \t]*)([^\s:][^:\n]*)(?=:(?:\d|\s|\())/gm;

/**
 * Compilers name files as they are seen from where they run. Here they get names that can be opened from the working
 * directory of this process, which is where the person stands.
 * @param words of a compiler
 * @param folder where it ran, absolute
 * @param aliases other names that stand for files, both absolute
 */
export function openable(words: string, folder: string, aliases: ReadonlyMap<string, string> = new Map()): string {
  const known = new Map<string, string>();
  const nameOf = (given: string): string => {
    let name = known.get(given);
    if (name === undefined) known.set(given, (name = rename(given, folder)));
    return name;
  };
  let renamed = words.replace(PLACE, (_, before: string, given: string) => before + nameOf(given));
  for (const [alias, file] of aliases) renamed = renamed.replaceAll(alias, short(file));
  return renamed;
}

/** Only what is a file there was a name of one; names of the system's headers and programs stay as they are. */
function rename(given: string, folder: string): string {
  const file = path.resolve(folder, given);
  if (path.isAbsolute(given) && !file.startsWith(folder + path.sep)) return given;
  return isFile(file) ? short(file) : given;
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** A file that is far away has its shortest name from the root. */
function short(file: string): string {
  const relative = fromWorkingDirectory(file);
  return relative.length < file.length ? relative : file;
}
