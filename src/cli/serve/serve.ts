import cluster from 'node:cluster';
import { createLog } from '../../ground/log';
import { standardOutput } from '../../ground/outlet';
import { version } from '../../ground/package';
import { listPlugins } from '../../host/listing';
import { warnOfUnusedSections } from '../../host/unused-sections';
import { buildsOf } from '../../api/plugin-host';
import { endpointLines } from './endpoint-lines';
import { readConfig } from '../config';
import type { FlagValues } from '../flags';
import { withProgress } from '../progress';

/** `dlserve serve`: returns when the server is up and its sources are built; the process goes on until it is told to stop. */
export async function serve(flags: FlagValues): Promise<void> {
  if (cluster.isWorker) return (await import('./secondary.js')).runSecondary(flags);
  const config = await readConfig(flags);
  const log = createLog(config.log.level);
  for (const { level, message } of config.notes) log[level](message);
  const builds = buildsOf(config, log, withProgress(log));
  const { start } = config.http.workers > 1 ? await import('./primary.js') : await import('./single.js');
  const url = await start(config, builds, log).catch(async (error: unknown) => {
    await builds.stop();
    throw error;
  });
  standardOutput.write(`dlserve ${version()} listens on ${url}\n`);
  await builds.finished;
  await warnOfUnusedSections(config, builds, log);
  standardOutput.write(`${endpointLines(await listPlugins(config.pluginpath), url, config.pluginpath)}\n`);
}
