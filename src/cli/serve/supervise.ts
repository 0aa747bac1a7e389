import type { Config } from '../../config/load';
import { onServerSignals } from '../signals';
import type { Order } from './ipc';
import type { Place } from './place';
import { prepare, watchIfWanted, type Prepared } from './prepare';
import { reload } from './reload';
import type { ServerProcesses } from './server-processes';

/** What a primary does besides keeping server processes: its log, its signals, and the sources. */
export function supervise(config: Config, place: Place, processes: ServerProcesses): Prepared {
  const { stoptimeout, workers } = config.http;
  const prepared = prepare(config);
  const { log, output, builds } = prepared;
  const tell = (order: Order): Promise<void> => {
    processes.tell(order);
    return Promise.resolve();
  };
  const stopWatching = watchIfWanted(config, prepared, {
    reload: (name) => tell({ type: 'changed', name }),
    remove: (name) => tell({ type: 'gone', name }),
  });
  onServerSignals(log, {
    stop: async (signal) => {
      output.end();
      const what = workers > 1 ? `${processes.size} server processes finish` : 'finishing';
      log.info(`${signal}: ${what} what runs, for up to ${stoptimeout} ms`);
      process.once('exit', () => processes.kill());
      place.close();
      await Promise.all([stopWatching(), builds.stop(), processes.stop(stoptimeout)]);
      log.info('stopped');
    },
    reload: reload(builds, log, () => processes.tell({ type: 'reload' })),
  });
  return prepared;
}
