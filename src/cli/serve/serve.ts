import type { Config } from '../../config/load';
import { readConfig } from '../config';
import type { FlagValues } from '../flags';
import { loadAhead, relieveMemory } from '../../runtimes/registry';
import { dismissEarly } from './early';

/** `dlserve serve`: returns when the server is up and its sources are built; the process goes on until it is told to stop. */
export async function serve(flags: FlagValues): Promise<void> {
  const config = await readConfig(flags);
  const isPrimary = needsPrimary(config);
  if (!isPrimary) dismissEarly();
  const { start } = isPrimary ? await import('./primary.js') : await import('./single.js');
  const { url, builds, log, output } = await start(config, flags);
  const told = output.listening(url, builds);
  // Loaded before something is short, and after the line that somebody waits for.
  if (!isPrimary) loadAhead(config.modes);
  log.open();
  await told;
  const { warnOfUnusedSections } = await import('../../host/unused-sections.js');
  await warnOfUnusedSections(config, builds, log);
  // From now on it only waits.
  if (isPrimary) relieveMemory();
}

/** Whether plugins may run where a crash or a hang is the server's, or several processes have to be kept. */
function needsPrimary({ http, modes }: Config): boolean {
  return http.workers > 1 || modes.has('thread') || modes.has('inline');
}
