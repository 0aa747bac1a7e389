import cluster from 'node:cluster';
import { createLog } from '../../ground/log';
import { warnOfUnusedSections } from '../../host/unused-sections';
import { buildsOf } from '../../api/plugin-host';
import { readConfig } from '../config';
import type { FlagValues } from '../flags';
import { ServerOutput } from '../output/server-output';

/** `dlserve serve`: returns when the server is up and its sources are built; the process goes on until it is told to stop. */
export async function serve(flags: FlagValues): Promise<void> {
  if (cluster.isWorker) return (await import('./secondary.js')).runSecondary(flags);
  const config = await readConfig(flags);
  const log = createLog(config.log.level);
  for (const { level, message } of config.notes) log[level](message);
  const output = new ServerOutput(config.pluginpath, () => log);
  const builds = buildsOf(config, log, (event) => output.build(event), { quiet: output.isLive });
  const { start } = config.http.workers > 1 ? await import('./primary.js') : await import('./single.js');
  const url = await start(config, builds, log).catch(async (error: unknown) => {
    output.end();
    await builds.stop();
    throw error;
  });
  await output.listening(url, builds);
  await warnOfUnusedSections(config, builds, log);
}
