import type { Config } from '../../config/load';
import type { FlagValues } from '../flags';
import { urlOf } from '../url';
import { Demotions } from './demotions';
import { choosePlace } from './place';
import { ServerProcesses } from './server-processes';
import type { Started } from './started';

/**
 * Supervises `http.workers` server processes. Sources are compiled here, and nothing of a plugin runs. The first process is
 * started before all that it takes time to load.
 * @throws DlserveError BAD_CONFIG when the address can't be had, or with the words of a server process that can't start
 */
export async function start(config: Config, flags: FlagValues): Promise<Started> {
  const { host, workers } = config.http;
  const place = await choosePlace(config.http, workers);
  const processes = new ServerProcesses({
    place,
    config,
    flags,
    demotions: new Demotions(config),
    wait: (name) => builds.wait(name),
    get log() {
      return log;
    },
  });
  const listens = processes.start(workers);
  const { supervise } = require('./supervise') as typeof import('./supervise');
  const prepared = supervise(config, place, processes);
  const { builds, log } = prepared;
  await listens.catch(async (error: unknown) => {
    prepared.output.end();
    place.close();
    await builds.stop();
    throw error;
  });
  return { ...prepared, url: urlOf(host, place.port) };
}
