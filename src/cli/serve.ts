import type { Server } from 'node:http';
import { createLog, type Logger } from '../ground/log';
import { version } from '../ground/package';
import { loadConfig, type Config } from '../config/load';
import { PluginHost } from '../http/plugin-host';
import { createServer, listen, stopServer } from '../http/server';
import { endpointLines } from './endpoint-lines';
import type { FlagValues } from './flags';
import { withProgress } from './progress';

/** `dlserve serve`: returns when the server is up and its sources are built; the process goes on until it is told to stop. */
export async function serve(flags: FlagValues): Promise<void> {
  const config = await loadConfig({ flags, env: process.env, cwd: process.cwd() });
  const log = createLog(config.log.level);
  for (const { level, message } of config.notes) log[level](message);

  const plugins = await PluginHost.create(config, withProgress(log), log);
  const { fastlane, bodylimit, host } = config.http;
  const server = createServer({ endpoint: plugins.endpoint, fastlane, bodylimit, log });
  const port = await listen(server, host, config.http.port);
  stopOnSignal(server, plugins, config, log);
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  console.log(`dlserve ${version()} listens on ${url}`);
  await plugins.built();
  console.log(endpointLines(await plugins.offers(), url, config.pluginpath));
}

/** The first SIGTERM or SIGINT stops gracefully; a second one at once. */
function stopOnSignal(server: Server, plugins: PluginHost, config: Config, log: Logger): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.warn('told to stop again: stopping at once');
      process.exit(1);
    }
    stopping = true;
    void stopGracefully(signal, server, plugins, config, log);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
}

/** PluginStop gets at least this long, in milliseconds, also when the requests under way have used up the limit. */
const LAST_WORDS = 500;

async function stopGracefully(signal: string, server: Server, plugins: PluginHost, config: Config, log: Logger): Promise<void> {
  const limit = config.http.stoptimeout;
  const end = performance.now() + limit;
  log.info(`${signal}: finishing what runs, for up to ${limit} ms`);
  const inTime = await stopServer(server, limit);
  if (!inTime) log.warn(`requests were still under way after ${limit} ms and were cut off`);
  await plugins.close(Math.max(end - performance.now(), LAST_WORDS));
  log.info('stopped');
  // A handler that hangs in mode "thread" would keep the process alive for ever.
  process.exit(0);
}
