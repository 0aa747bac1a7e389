import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

/** Before all tests: what they start is made of the sources as they are now. */
export default function build(): void {
  // Type errors are the business of `npm run types`; the compiler writes its output all the same.
  spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { cwd: root });
  if (nativeIsStale()) execFileSync(process.execPath, ['native/build.js'], { cwd: root, stdio: 'inherit' });
}

function nativeIsStale(): boolean {
  const made = ['runner', 'addon.node'].map((name) => path.join(root, 'build/Release', name));
  if (!made.every(existsSync)) return true;
  const oldest = Math.min(...made.map((file) => statSync(file).mtimeMs));
  const sources = ['binding.gyp', ...readdirSync(path.join(root, 'native'), { recursive: true, encoding: 'utf8' }).map((name) => `native/${name}`)];
  return sources.some((name) => /\.(c|h|gyp)$/.test(name) && statSync(path.join(root, name)).mtimeMs > oldest);
}
