import type { Logger } from '../../ground/log';
import { standardOutput } from '../../ground/outlet';
import { version } from '../../ground/package';
import type { Config } from '../../config/load';
import type { Builds } from '../../host/builds';
import { readConfig } from '../config';
import type { FlagValues } from '../flags';

/** `dlserve serve`: returns when the server is up and its sources are built; the process goes on until it is told to stop. */
export async function serve(flags: FlagValues): Promise<void> {
  const config = await readConfig(flags);
  const { start } = needsPrimary(config) ? await import('./primary.js') : await import('./single.js');
  const { url, builds, log } = await start(config, flags);
  standardOutput.write(`dlserve ${version()} listens on ${url}\n`);
  await builds.finished;
  await tellOfPlugins(config, url, builds, log);
}

/** Whether plugins may run where a crash or a hang is the server's, or several processes have to be kept. */
function needsPrimary({ http, modes }: Config): boolean {
  return http.workers > 1 || modes.has('thread') || modes.has('inline');
}

/** What it takes is loaded here: a primary has its server processes started by then. */
async function tellOfPlugins(config: Config, url: string, builds: Builds, log: Logger): Promise<void> {
  const { listPlugins } = await import('../../host/listing.js');
  const { warnOfUnusedSections } = await import('../../host/unused-sections.js');
  const { endpointLines } = await import('./endpoint-lines.js');
  await warnOfUnusedSections(config, builds, log);
  standardOutput.write(`${endpointLines(await listPlugins(config.pluginpath), url, config.pluginpath)}\n`);
}
