import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { compileFixture } from '../support/compile';
import { scratch } from '../support/server';

const native = path.resolve(__dirname, '../../native');
const FLAGS = ['-fsanitize=thread', '-g', '-O1'];
/** What a process ends with in which races were found. */
const FOUND = 66;

/** Node's headers: beside the running node, or where node-gyp keeps those that it has fetched. */
function headers(): string {
  const beside = path.join(path.dirname(path.dirname(realpathSync(process.execPath))), 'include/node');
  return existsSync(path.join(beside, 'node_api.h')) ? beside : path.join(homedir(), '.cache/node-gyp', process.versions.node, 'include/node');
}

function buildAddon(): string {
  const addon = path.join(scratch(), 'addon.node');
  const sources = ['addon', 'invoke'].flatMap((directory) =>
    readdirSync(path.join(native, directory)).filter((name) => name.endsWith('.c')).map((name) => path.join(native, directory, name)),
  );
  execFileSync('cc', ['-std=gnu11', '-shared', '-fPIC', '-DNAPI_VERSION=8', `-I${headers()}`, ...FLAGS, '-o', addon, ...sources]);
  return addon;
}

describe('the addon under ThreadSanitizer', () => {
  const addon = buildAddon();
  // Node.js is not instrumented, but where the sanitizer is the first in the process it sees all of its locks.
  const preload = execFileSync('cc', ['-print-file-name=libtsan.so'], { encoding: 'utf8' }).trim();
  const racy = compileFixture('racy.c', FLAGS);

  function run(program: string, libraries: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(process.execPath, [path.join(__dirname, 'races-program.js'), JSON.stringify({ addon, program, libraries })], {
      env: { ...process.env, LD_PRELOAD: preload, TSAN_OPTIONS: `ignore_noninstrumented_modules=1 exitcode=${FOUND}` },
      encoding: 'utf8',
      timeout: 60_000,
    });
  }

  it('has no race, in three JavaScript threads at once', () => {
    const libraries = ['a.so', 'b.so', 'c.so'].map((name) => path.join(scratch(), name));
    for (const library of libraries) copyFileSync(racy, library);
    expect(run('churn', libraries)).toMatchObject({ status: 0, stdout: 'churn is through\n'.repeat(3), stderr: '' });
  });

  it('is watched indeed: the race of a library is found', () => {
    const { status, stderr } = run('race', [racy]);
    expect(stderr).toContain('data race');
    expect(status).toBe(FOUND);
  });
});
