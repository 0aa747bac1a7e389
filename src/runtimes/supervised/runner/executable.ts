import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { DlserveError } from '../../../ground/errors';
import { packageRoot } from '../../../ground/package';

/** Where node-gyp puts the runner. */
export const RUNNER = path.join(packageRoot, 'build/Release/runner');
const REPORT = path.join(packageRoot, 'build/failed.txt');
const REMEDY = 'Install a C compiler, make and Python, then run: npm rebuild dlserve';

/**
 * Checks that the native runner is there.
 * @param runner where it should be
 * @param report where native/build.js has left its words if it could not be built
 * @returns its path
 * @throws DlserveError RUNNER_MISSING, with the reason and the remedy
 */
export function checkRunner(runner = RUNNER, report = REPORT): string {
  if (process.platform === 'win32') throw missing('it needs Linux or macOS; use mode "thread"');
  try {
    accessSync(runner, constants.X_OK);
    return runner;
  } catch (cause) {
    throw missing(`${whyNotBuilt(report) ?? `there is no ${runner}. `}${REMEDY}`, cause);
  }
}

function whyNotBuilt(report: string): string | null {
  try {
    return `it could not be built when dlserve was installed:\n${readFileSync(report, 'utf8').trim()}\n`;
  } catch {
    return null;
  }
}

function missing(reason: string, cause?: unknown): DlserveError {
  return new DlserveError('RUNNER_MISSING', { reason }, { cause });
}
