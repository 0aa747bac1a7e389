import { createLog, type Logger } from '../ground/log';
import { configFromOptions, type HostOptions } from '../config/load';
import { checkServices } from '../host/services/offered';
import { warnOfUnusedSections } from '../host/unused-sections';
import { loadAhead, RUNTIMES } from '../runtimes/registry';
import { checkModes, findPlugins, PluginHost } from './plugin-host';

/**
 * A plugin host for a program of one's own:
 *
 *     const host = await createPluginHost({ pluginpath: './lib' });
 *     createServer((req, res) => host.handle(req, res) || res.writeHead(404).end()).listen(3000);
 *
 * @param options the keys of prest.toml as an object; environment variables and files don't count here
 * @param log a logger such as pino's; without one, `options.log.level` and above go to standard error, from "warn" on unless given
 * @throws DlserveError BAD_CONFIG, RUNNER_MISSING
 */
export async function createPluginHost(options: HostOptions = {}, log?: Logger): Promise<PluginHost> {
  const config = configFromOptions(options, RUNTIMES);
  const { services } = options;
  checkServices(services);
  const ownLog = log ?? createLog(options.log?.level === undefined ? 'warn' : config.log.level);
  checkModes(config);
  for (const { level, message } of config.notes) ownLog[level](message);
  loadAhead(config.modes);
  const names = await findPlugins(config);
  // The first event comes in a later turn.
  // A server process has its sources compiled elsewhere.
  const { buildsOf } = require('./builds') as typeof import('./builds');
  const builds = buildsOf(config, ownLog, (event) => host.tell('built', event));
  const host = new PluginHost(config, builds, ownLog, { services });
  host.begin(names);
  host.watchIfWanted(ownLog);
  // Nobody waits for it: a logger of the program's that throws must not end the program here.
  warnOfUnusedSections(config, builds, ownLog, () => host.isClosed).catch(() => undefined);
  return host;
}
