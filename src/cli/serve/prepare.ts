import { createLateLog, type LateLog } from '../../ground/log';
import type { Config } from '../../config/load';
import { lateBuilds, type Builds } from '../../host/builds';
import type { Target } from '../../host/watch';
import { buildsOf } from '../../api/builds';
import { ServerOutput } from '../output/server-output';
import { hasSources } from './has-sources';

/** What a server has besides the processes or the process that serves. */
export interface Prepared {
  readonly log: LateLog;
  /** What it prints. */
  readonly output: ServerOutput;
  /** Where its sources are compiled. */
  readonly builds: Builds;
}

/** Says what is to be said of the configuration, and begins to build. */
export function prepare(config: Config, log = createLateLog(config.log.level)): Prepared {
  for (const { level, message } of config.notes) log[level](message);
  const output = new ServerOutput(config.pluginpath, () => log);
  const build = (): Builds => buildsOf(config, log, (event) => output.build(event), { quiet: output.isLive });
  return { log, output, builds: hasSources(config) ? build() : lateBuilds(build) };
}

/**
 * Watches the pluginpath where the configuration wants it.
 * @param target told of what has changed
 * @returns how that is ended
 */
export function watchIfWanted({ pluginpath, reload }: Config, { builds, log }: Prepared, target: Target): () => Promise<void> {
  if (reload !== 'watch') return () => Promise.resolve();
  const { watchPlugins } = require('../../host/watch') as typeof import('../../host/watch');
  const watching = watchPlugins({ pluginpath, builds, target, log });
  return () => watching.close();
}
