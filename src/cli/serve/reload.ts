import type { Logger } from '../../ground/log';
import type { Builds } from '../../host/builds';

/**
 * What a SIGHUP does: sources are looked at again, and then plugins. One that comes in the middle of that begins it anew afterwards.
 * @param reloadPlugins opens what has changed
 */
export function reload(builds: Pick<Builds, 'rebuild'>, log: Logger, reloadPlugins: () => Promise<void> | void): () => void {
  let isUnderway = false;
  let isWanted = false;
  const run = async (): Promise<void> => {
    isUnderway = true;
    while (isWanted) {
      isWanted = false;
      log.info('SIGHUP: reloading what has changed');
      await Promise.resolve(builds.rebuild())
        .then(reloadPlugins)
        .catch((error: unknown) => log.error({ err: error }, 'the plugins could not be reloaded'));
    }
    isUnderway = false;
  };
  return () => {
    isWanted = true;
    if (!isUnderway) void run();
  };
}
