import { ENDINGS, runtimeOf } from '../runtimes/registry';
import type { Builds } from './builds';
import { findFile, listNames } from './find';
import type { Host } from './host';

/** Opens the plugins that say their routes themselves: those that are there, and those that are built, once they are. Never rejects. */
export async function openDeclaring(host: Host, builds: Builds, pluginpath: string): Promise<void> {
  const tried = new Set<string>();
  const openAll = async (): Promise<void> => {
    if (host.isClosed) return;
    const names = (await listNames(pluginpath, ENDINGS).catch((): string[] => [])).filter((name) => !tried.has(name));
    for (const name of names) tried.add(name);
    await Promise.allSettled(names.map((name) => openOne(host, builds, pluginpath, name)));
  };
  await openAll();
  await builds.finished;
  await openAll();
}

async function openOne(host: Host, builds: Builds, pluginpath: string, name: string): Promise<void> {
  await builds.wait(name);
  const file = await findFile(pluginpath, name, ENDINGS);
  if (host.isClosed) return;
  if ((await runtimeOf(file)!.examine(file)).declaresRoutes) await host.want(name);
}
