import type { Logger } from '../../ground/log';
import type { Config } from '../../config/load';
import type { FlagValues } from '../flags';
import { withProgress } from '../progress';
import { onServerSignals } from '../signals';
import { urlOf } from '../url';
import { Demotions } from './demotions';
import { choosePlace } from './place';
import { reload } from './reload';
import type { Started } from './serve';
import { ServerProcesses } from './server-processes';

/**
 * Supervises `http.workers` server processes. Sources are compiled here, and nothing of a plugin runs.
 * @throws DlserveError BAD_CONFIG when the address can't be had, or with the words of a server process that can't start
 */
export async function start(config: Config, flags: FlagValues, log: Logger): Promise<Started> {
  const { host, stoptimeout, workers } = config.http;
  const place = await choosePlace(config.http, workers);
  const demotions = new Demotions(config, log);
  const processes = new ServerProcesses({ place, config, flags, demotions, log, wait: (name) => builds.wait(name) });
  const listens = processes.start(workers);
  // While the first process comes up.
  for (const { level, message } of config.notes) log[level](message);
  const { buildsOf } = require('../../api/builds') as typeof import('../../api/builds');
  const builds = buildsOf(config, log, withProgress(log));
  onServerSignals(log, {
    stop: async (signal) => {
      const who = workers > 1 ? `${processes.size} server processes finish` : 'finishing';
      log.info(`${signal}: ${who} what runs, for up to ${stoptimeout} ms`);
      process.once('exit', () => processes.kill());
      place.close();
      await Promise.all([builds.stop(), processes.stop(stoptimeout)]);
      log.info('stopped');
    },
    reload: reload(builds, log, () => processes.tell({ type: 'reload' })),
  });
  await listens.catch(async (error: unknown) => {
    place.close();
    await builds.stop();
    throw error;
  });
  return { url: urlOf(host, place.port), builds };
}
