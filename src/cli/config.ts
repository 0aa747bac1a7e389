import { workingDirectory } from '../ground/working-directory';
import { loadConfig, type Config } from '../config/load';
import { RUNTIMES } from '../runtimes/registry';
import type { FlagValues } from './flags';

/**
 * The configuration of this process: its command line, its environment, its working directory.
 * @throws DlserveError BAD_CONFIG
 */
export function readConfig(flags: FlagValues): Promise<Config> {
  return loadConfig({ flags, env: process.env, cwd: workingDirectory(), runtimes: RUNTIMES });
}
