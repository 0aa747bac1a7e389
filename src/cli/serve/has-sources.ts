import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/load';

/** Whether there may be something to compile: sourceFolder() of src/toolchain/ without loading that. */
export function hasSources({ build, pluginpath }: Config): boolean {
  return build && existsSync(path.join(pluginpath, 'src'));
}
