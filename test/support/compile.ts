import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');
const include = path.join(root, 'native/include');
const cache = path.join(tmpdir(), 'dlserve-test-libraries');

/**
 * Compiles a C or C++ fixture to a shared library, once per content, and returns its path.
 * @param fixture a file of test/fixtures/native
 * @param flags more arguments for the compiler
 */
export function compileFixture(fixture: string, flags: readonly string[] = []): string {
  return compile(path.join(root, 'test/fixtures/native', fixture), flags);
}

/** The same for a source anywhere. */
export function compile(source: string, flags: readonly string[] = []): string {
  const header = readFileSync(path.join(include, 'dlserve.h'));
  const hash = createHash('sha256').update(readFileSync(source)).update(header).update(JSON.stringify(flags)).digest('hex');
  const name = path.parse(source).name;
  const library = path.join(cache, hash.slice(0, 16), `${name}.so`);
  if (existsSync(library)) return library;
  mkdirSync(path.dirname(library), { recursive: true });
  const compiler = /\.(cc|cpp)$/.test(source) ? 'c++' : 'cc';
  const temporary = `${library}.${process.pid}`;
  execFileSync(compiler, ['-shared', '-fPIC', '-O1', '-g', `-I${include}`, '-o', temporary, source, '-lpthread', ...flags], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  renameSync(temporary, library);
  return library;
}
