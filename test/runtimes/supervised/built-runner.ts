import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const native = path.resolve(__dirname, '../../../native');
const cache = path.join(tmpdir(), 'dlserve-test-runners');

const sourcesIn = (directory: string): string[] => readdirSync(directory).sort().map((name) => path.join(directory, name));

/** The runner of the sources as they are now, compiled once per content. */
export function builtRunner(flags: readonly string[] = ['-O2']): string {
  const files = ['runner', 'invoke', 'include'].flatMap((directory) => sourcesIn(path.join(native, directory)));
  const hash = createHash('sha256').update(JSON.stringify(flags));
  for (const file of files) hash.update(readFileSync(file));
  const runner = path.join(cache, hash.digest('hex').slice(0, 16));
  if (existsSync(runner)) return runner;
  mkdirSync(cache, { recursive: true });
  const temporary = `${runner}.${process.pid}`;
  const sources = files.filter((file) => file.endsWith('.c'));
  execFileSync('cc', ['-std=gnu11', '-Wall', '-Wextra', '-Werror', ...flags, '-o', temporary, ...sources, '-ldl', '-lpthread']);
  renameSync(temporary, runner);
  return runner;
}
