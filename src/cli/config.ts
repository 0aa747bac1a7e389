import { workingDirectory } from '../ground/working-directory';
import { loadConfig, type Config } from '../config/load';
import { RUNTIMES } from '../runtimes/registry';
import type { FlagValues } from './flags';

/**
 * The configuration of this process: its command line, its environment, its working directory.
 * @param text of its file, where that was read already; null where there is none
 * @throws DlserveError BAD_CONFIG
 */
export function readConfig(flags: FlagValues, text?: string | null): Promise<Config> {
  return loadConfig({ flags, text, env: process.env, cwd: workingDirectory(), runtimes: RUNTIMES });
}
