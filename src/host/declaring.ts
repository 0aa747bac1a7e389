import { messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { ENDINGS, runtimeOf } from '../runtimes/registry';
import type { Builds } from './builds';
import { findFile, listNames } from './find';
import type { Host } from './host';

/** Opens the plugins that say their routes themselves: those that are there, and those that are built, once they are. */
export async function openDeclaring(host: Host, builds: Builds, pluginpath: string, log: Logger): Promise<void> {
  const tried = new Set<string>();
  const openAll = async (): Promise<void> => {
    const names = (await listNames(pluginpath, ENDINGS).catch((): string[] => [])).filter((name) => !tried.has(name));
    for (const name of names) tried.add(name);
    await Promise.allSettled(names.map((name) => openOne(host, builds, pluginpath, log, name)));
  };
  await openAll();
  await builds.finished;
  await openAll();
}

async function openOne(host: Host, builds: Builds, pluginpath: string, log: Logger, name: string): Promise<void> {
  await builds.wait(name);
  const file = await findFile(pluginpath, name, ENDINGS);
  const handlers = await runtimeOf(file)!.examine(file);
  if (!handlers.declaresRoutes || host.isClosed) return;
  await host.open(name).catch((error: unknown) => {
    log.error({ plugin: name }, `a plugin with routes of its own could not be opened: ${messageOf(error)}`);
  });
}
