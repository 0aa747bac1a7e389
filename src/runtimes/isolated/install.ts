import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { DlserveError } from '../../ground/errors';

const ROOT = path.resolve(__dirname, '../../..');

/** Where node-gyp puts the runner. */
export const RUNNER = path.join(ROOT, 'build/Release/runner');

/**
 * Checks that the native runner is there.
 * @returns its path
 * @throws DlserveError RUNNER_MISSING, with the reason and the remedy
 */
export function checkRunner(): string {
  if (process.platform === 'win32') throw missing('it needs Linux or macOS; use mode "thread"');
  try {
    accessSync(RUNNER, constants.X_OK);
    return RUNNER;
  } catch (cause) {
    throw missing(`${whyNotBuilt()}. Install a C compiler, make and Python, then run: npm rebuild dlserve`, cause);
  }
}

/** The words of native/build.js. */
function whyNotBuilt(): string {
  try {
    const words = readFileSync(path.join(ROOT, 'build/failed.txt'), 'utf8').trim();
    return `it could not be built when dlserve was installed:\n${words}\n`;
  } catch {
    return `there is no ${RUNNER}`;
  }
}

function missing(reason: string, cause?: unknown): DlserveError {
  return new DlserveError('RUNNER_MISSING', { reason }, { cause });
}
