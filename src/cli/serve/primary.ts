import { createLateLog } from '../../ground/log';
import type { Config } from '../../config/load';
import { lateState } from '../../host/services/state/late-state';
import type { FlagValues } from '../flags';
import { urlOf } from '../url';
import { Demotions } from './demotions';
import { choosePlace } from './place';
import { hasSources } from './has-sources';
import { ServerProcesses } from './server-processes';
import type { Started } from './started';
import { supervise } from './supervise';

/**
 * Supervises `http.workers` server processes. Sources are compiled here, and nothing of a plugin runs. The first process is
 * started before all that it takes time to load; what nothing is waiting for is loaded when that listens.
 * @throws DlserveError BAD_CONFIG when the address can't be had, or with the words of a server process that can't start
 */
export async function start(config: Config, flags: FlagValues): Promise<Started> {
  const { host, workers } = config.http;
  const place = await choosePlace(config.http, workers);
  const log = createLateLog(config.log.level);
  const processes = new ServerProcesses({
    place,
    config,
    flags,
    demotions: new Demotions(config),
    wait: async (name) => {
      // What it takes is not loaded while the start waits, which waits for no plugin.
      await listens;
      return prepare().builds.wait(name);
    },
    state: lateState(config.state),
    log,
  });
  const listens = processes.start(workers);
  const prepare = supervise(config, place, processes, log);
  if (hasSources(config)) prepare();
  await listens.catch(async (error: unknown) => {
    place.close();
    const { output, builds } = prepare();
    output.end();
    await builds.stop();
    throw error;
  });
  return { ...prepare(), url: urlOf(host, place.port) };
}
