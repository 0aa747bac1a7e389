import path from 'node:path';
import { createCommandLog } from '../ground/log';
import { Toolchain } from '../toolchain/toolchain';
import { SOURCE_ENDINGS } from '../toolchain/languages';
import { readConfig } from './config';
import type { FlagValues } from './flags';
import { print } from './print';
import { Progress } from './output/progress';
import { onStopSignal } from './signals';

/**
 * `dlserve build`: compiles what is stale and prints what the compilers say.
 * @param files names of plugins, or paths of their sources; none means all
 * @returns whether every source became a library
 */
export async function build(files: readonly string[], flags: FlagValues): Promise<boolean> {
  const config = await readConfig(flags);
  const log = createCommandLog(config.log.level);
  // Its standard output is for the results.
  const progress = new Progress(() => log, undefined, () => []);
  const toolchain = new Toolchain({
    pluginpath: config.pluginpath,
    log,
    flags: (name) => config.compile(name),
    limits: config.buildLimits,
    onProgress: (event) => progress.build(event),
  });
  onStopSignal(log, () => toolchain.stop(), 1);
  const names = files.map(nameOf);
  const events = await toolchain.build(names.length > 0 ? names : undefined);
  if (events.length === 0) print(`nothing to build: no sources in ${path.join(config.pluginpath, 'src')}`);
  for (const { name, state, ms } of events) print(`${name}: ${state}${state === 'built' ? ` in ${(ms / 1000).toFixed(1)} s` : ''}`);
  return events.every(({ state }) => state !== 'failed');
}

/** The plugin that a person means by its name, or by the path of its source. */
function nameOf(file: string): string {
  const { base, name, ext } = path.parse(path.resolve(file));
  return SOURCE_ENDINGS.includes(ext) ? name : base;
}
