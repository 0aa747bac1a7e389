import { createServer } from 'node:http';
import type { Logger } from '../../ground/log';
import type { Config } from '../../config/load';
import type { Builds } from '../../host/builds';
import { listen } from '../../http/server';
import { onServerSignals } from '../signals';
import { urlOf } from '../url';
import { ServerProcesses } from './server-processes';

/**
 * `http.workers` server processes on one port. Sources are compiled here.
 * @returns where they listen, once the first one does
 * @throws DlserveError BAD_CONFIG when the address can't be had, or with the words of a server process that can't start
 */
export async function start(config: Config, builds: Builds, log: Logger): Promise<string> {
  const { host, stoptimeout, workers } = config.http;
  const port = config.http.port === 0 ? await chooseFreePort(host) : config.http.port;
  const processes = new ServerProcesses(port, builds, log);
  onServerSignals(log, async (signal) => {
    log.info(`${signal}: ${processes.size} server processes finish what runs, for up to ${stoptimeout} ms`);
    await Promise.all([builds.stop(), processes.stop(stoptimeout)]);
    log.info('stopped');
  });
  await processes.start(workers);
  return urlOf(host, port);
}

/** Chosen once, so that those who come later listen on the same one; nobody knows it yet who could be refused between. */
async function chooseFreePort(host: string): Promise<number> {
  const probe = createServer();
  const port = await listen(probe, host, 0);
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
