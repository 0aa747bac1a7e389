import { ENDINGS, runtimeOf } from '../runtimes/registry';
import type { Builds } from './builds';
import { findFile } from './find';
import type { Host } from './host';

/** Opens those plugins that say their routes themselves, and those that are built once they are. Never rejects. */
export async function openDeclaring(host: Host, builds: Builds, pluginpath: string, names: Iterable<string>): Promise<void> {
  await Promise.allSettled(Array.from(names, (name) => openOne(host, builds, pluginpath, name)));
}

async function openOne(host: Host, builds: Builds, pluginpath: string, name: string): Promise<void> {
  await builds.wait(name);
  if (host.isClosed || host.find(name) !== undefined) return;
  const file = await findFile(pluginpath, name, ENDINGS);
  const { declaresRoutes } = await runtimeOf(file)!.examine(file);
  if (declaresRoutes) await host.want(name);
}
