import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { multiarch } from './search-elf';

/** $NAME or ${NAME}. */
const TOKEN = /\$(?:(ORIGIN|LIB|PLATFORM)(?!\w)|\{(ORIGIN|LIB|PLATFORM)\})/g;

/** What the loader puts in place of $LIB and $PLATFORM. */
type Tokens = Readonly<Record<'LIB' | 'PLATFORM', string>>;

/**
 * The name of a needed library, or a folder of a run path, with what the loader puts in place of its tokens: ld.so(8).
 * @param file absolute path of the library that has it, whose folder is $ORIGIN
 * @param loader path of the loader
 */
export async function expandTokens(text: string, file: string, loader: string | undefined): Promise<string> {
  const tokens = /LIB|PLATFORM/.test(text) ? await tokensOf(loader) : undefined;
  return text.replace(TOKEN, (token: string, bare: string | undefined, braced: string | undefined) => {
    const name = bare ?? braced;
    return name === 'ORIGIN' ? path.dirname(file) : (tokens?.[name as keyof Tokens] ?? token);
  });
}

let known: Promise<Tokens> | undefined;

function tokensOf(loader: string | undefined): Promise<Tokens> {
  known ??= diagnosticsOf(loader).then((text) => ({
    LIB: /^dl_dst_lib="(.*)"$/m.exec(text)?.[1] ?? usualLib(),
    PLATFORM: /^dl_platform="(.*)"$/m.exec(text)?.[1] ?? os.machine(),
  }));
  return known;
}

/** What the loader says of itself: glibc's from 2.33 on; of another nothing. */
async function diagnosticsOf(loader: string | undefined): Promise<string> {
  if (loader === undefined) return '';
  return promisify(execFile)(loader, ['--list-diagnostics'], { timeout: 5000 }).then(({ stdout }) => stdout, () => '');
}

function usualLib(): string {
  return existsSync(`/${multiarch()}`) ? multiarch() : 'lib64';
}
