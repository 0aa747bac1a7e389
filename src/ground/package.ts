import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of the package: the same two levels up from src/ground and from dist/ground. */
export const packageRoot = path.resolve(__dirname, '../..');

/** The version in package.json. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
