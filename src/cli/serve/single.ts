import type { Logger } from '../../ground/log';
import type { Config } from '../../config/load';
import type { Builds } from '../../host/builds';
import { onServerSignals } from '../signals';
import { urlOf } from '../url';
import { startServer } from './server';

/**
 * The server in this one process.
 * @returns where it listens
 */
export async function start(config: Config, builds: Builds, log: Logger): Promise<string> {
  const { port, stop } = await startServer(config, builds, log);
  onServerSignals(log, async (signal) => {
    log.info(`${signal}: finishing what runs, for up to ${config.http.stoptimeout} ms`);
    await stop();
    log.info('stopped');
  });
  return urlOf(config.http.host, port);
}
