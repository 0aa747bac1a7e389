import type { Config } from '../../config/load';
import type { FlagValues } from '../flags';
import { onServerSignals } from '../signals';
import { urlOf } from '../url';
import { prepare, watchIfWanted } from './prepare';
import { reload } from './reload';
import { startServer } from './server';
import type { Started } from './started';

/** The server in this one process: each plugin has one of its own. */
export async function start(config: Config, _flags: FlagValues): Promise<Started> {
  const prepared = prepare(config);
  const { log, output, builds } = prepared;
  const { port, plugins, stop } = await startServer(config, builds, log).catch(async (error: unknown) => {
    output.end();
    await builds.stop();
    throw error;
  });
  const stopWatching = watchIfWanted(config, prepared, {
    reload: (name) => plugins.changed(name),
    remove: (name) => plugins.remove(name),
  });
  onServerSignals(log, {
    stop: async (signal) => {
      output.end();
      log.info(`${signal}: finishing what runs, for up to ${config.http.stoptimeout} ms`);
      await Promise.all([stopWatching(), stop()]);
      log.info('stopped');
    },
    reload: reload(builds, log, () => plugins.reloadChanged()),
  });
  return { ...prepared, url: urlOf(config.http.host, port) };
}
