import type { LateLog } from '../../ground/log';
import type { Config } from '../../config/load';
import { onServerSignals } from '../signals';
import type { Order } from './ipc';
import type { Place } from './place';
import type { Prepared } from './prepare';
import { reload } from './reload';
import type { ServerProcesses } from './server-processes';

/**
 * What a primary does besides keeping server processes: its signals, at once, and the sources and what it prints, which take time to load.
 * @returns what makes the latter, the first time that it is called
 */
export function supervise(config: Config, place: Place, processes: ServerProcesses, log: LateLog): () => Prepared {
  const { stoptimeout, workers } = config.http;
  const tell = (order: Order): Promise<void> => {
    processes.tell(order);
    return Promise.resolve();
  };
  let prepared: Prepared | undefined;
  let stopWatching = (): Promise<void> => Promise.resolve();
  const prepareOnce = (): Prepared => {
    if (prepared !== undefined) return prepared;
    const { prepare, watchIfWanted } = require('./prepare') as typeof import('./prepare');
    prepared = prepare(config, log);
    stopWatching = watchIfWanted(config, prepared, {
      reload: (name) => tell({ type: 'changed', name }),
      remove: (name) => tell({ type: 'gone', name }),
    });
    return prepared;
  };
  onServerSignals(log, {
    stop: async (signal) => {
      prepared?.output.end();
      const what = workers > 1 ? `${processes.size} server processes finish` : 'finishing';
      log.info(`${signal}: ${what} what runs, for up to ${stoptimeout} ms`);
      process.once('exit', () => processes.kill());
      place.close();
      await Promise.all([stopWatching(), prepared?.builds.stop(), processes.stop(stoptimeout)]);
      log.info('stopped');
    },
    reload: reload({ rebuild: () => prepareOnce().builds.rebuild() }, log, () => processes.tell({ type: 'reload' })),
  });
  return prepareOnce;
}
