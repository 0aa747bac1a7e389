import { createLog, type Logger } from '../../ground/log';
import type { Config } from '../../config/load';
import type { Builds } from '../../host/builds';
import { buildsOf } from '../../api/builds';
import { withProgress } from '../progress';
import { onServerSignals } from '../signals';
import type { Place } from './place';
import { reload } from './reload';
import type { ServerProcesses } from './server-processes';

/** What a primary does besides keeping server processes: its log, its signals, and the sources. */
export function supervise(config: Config, place: Place, processes: ServerProcesses): { builds: Builds; log: Logger } {
  const { stoptimeout, workers } = config.http;
  const log = createLog(config.log.level);
  for (const { level, message } of config.notes) log[level](message);
  const builds = buildsOf(config, log, withProgress(log));
  onServerSignals(log, {
    stop: async (signal) => {
      const what = workers > 1 ? `${processes.size} server processes finish` : 'finishing';
      log.info(`${signal}: ${what} what runs, for up to ${stoptimeout} ms`);
      process.once('exit', () => processes.kill());
      place.close();
      await Promise.all([builds.stop(), processes.stop(stoptimeout)]);
      log.info('stopped');
    },
    reload: reload(builds, log, () => processes.tell({ type: 'reload' })),
  });
  return { builds, log };
}
