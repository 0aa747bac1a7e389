import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

/** Before all tests: what they start is made of the sources as they are now. */
export default function build(): void {
  // Type errors are the business of `npm run types`; the compiler writes its output all the same.
  spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { cwd: root });
  if (!existsSync(path.join(root, 'build/Release/runner'))) {
    execFileSync(process.execPath, ['native/build.js'], { cwd: root, stdio: 'inherit' });
  }
}
