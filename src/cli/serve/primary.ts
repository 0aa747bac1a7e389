import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/load';
import type { FlagValues } from '../flags';
import { urlOf } from '../url';
import { Demotions } from './demotions';
import { choosePlace } from './place';
import type { Prepared } from './prepare';
import { ServerProcesses } from './server-processes';
import type { Started } from './started';

/**
 * Supervises `http.workers` server processes. Sources are compiled here, and nothing of a plugin runs. The first process is
 * started before all that it takes time to load; what nothing is waiting for is loaded when that listens.
 * @throws DlserveError BAD_CONFIG when the address can't be had, or with the words of a server process that can't start
 */
export async function start(config: Config, flags: FlagValues): Promise<Started> {
  const { host, workers } = config.http;
  const place = await choosePlace(config.http, workers);
  let prepared: Prepared | undefined;
  const prepare = (): Prepared => {
    const { supervise } = require('./supervise') as typeof import('./supervise');
    return (prepared ??= supervise(config, place, processes));
  };
  const processes = new ServerProcesses({
    place,
    config,
    flags,
    demotions: new Demotions(config),
    wait: async (name) => {
      // Until then nobody can have asked it for a plugin.
      await listens;
      return prepare().builds.wait(name);
    },
    get log() {
      return prepare().log;
    },
  });
  const listens = processes.start(workers);
  if (hasSources(config)) prepare();
  await listens.catch(async (error: unknown) => {
    place.close();
    prepared?.output.end();
    await prepared?.builds.stop();
    throw error;
  });
  return { ...prepare(), url: urlOf(host, place.port) };
}

/** Whether there may be something to compile. */
function hasSources({ build, pluginpath }: Config): boolean {
  return build && existsSync(path.join(pluginpath, 'src'));
}
