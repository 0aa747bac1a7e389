import { createLog } from '../../ground/log';
import type { Config } from '../../config/load';
import { buildsOf } from '../../api/builds';
import type { FlagValues } from '../flags';
import { withProgress } from '../progress';
import { onServerSignals } from '../signals';
import { urlOf } from '../url';
import { reload } from './reload';
import { startServer } from './server';
import type { Started } from './started';

/** The server in this one process: each plugin has one of its own. */
export async function start(config: Config, _flags: FlagValues): Promise<Started> {
  const log = createLog(config.log.level);
  for (const { level, message } of config.notes) log[level](message);
  const builds = buildsOf(config, log, withProgress(log));
  const { port, plugins, stop } = await startServer(config, builds, log).catch(async (error: unknown) => {
    await builds.stop();
    throw error;
  });
  onServerSignals(log, {
    stop: async (signal) => {
      log.info(`${signal}: finishing what runs, for up to ${config.http.stoptimeout} ms`);
      await stop();
      log.info('stopped');
    },
    reload: reload(builds, log, () => plugins.reloadChanged()),
  });
  return { url: urlOf(config.http.host, port), builds, log };
}
