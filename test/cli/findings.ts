import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Findings } from '../../src/cli/inspect/findings';
import { inspect } from '../../src/cli/inspect/inspect';

/** Compiles a C source to a library, or a C++ one with a class in it. @returns its path, `name` in `folder` */
export function buildLibrary(folder: string, name: string, source: string, ...flags: string[]): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  const language = source.includes('class ') ? 'c++' : 'c';
  execFileSync('cc', ['-shared', '-fPIC', '-x', language, '-o', file, '-', ...flags], { input: source });
  return file;
}

/** What `dlserve inspect --json` says of a library. */
export async function findings(file: string): Promise<Findings> {
  return JSON.parse(await inspect(file, true)) as Findings;
}
