import path from 'node:path';
import type { Logger } from '../ground/log';
import { nearest } from '../ground/nearest';
import { written } from '../config/document';
import type { Config } from '../config/load';
import { ENDINGS } from '../runtimes/registry';
import type { Builds } from './builds';
import { listNames } from './find';

/** Warns of each `[plugin.NAME]` of which there is neither a file nor a source, once the sources are built. */
export async function warnOfUnusedSections({ pluginpath, sections }: Config, builds: Builds, log: Logger): Promise<void> {
  if (sections.size === 0) return;
  const folder = shown(pluginpath);
  await builds.finished;
  const names = new Set([...(await listNames(pluginpath, ENDINGS)), ...builds.unfinished().keys()]);
  for (const [name, where] of sections) {
    if (names.has(name)) continue;
    const meant = nearest(name, names);
    const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
    log.warn(`${where}: [${written(['plugin', name])}]: there is no plugin of that name in ${folder}${hint}`);
  }
}

/** A folder below the working directory as a person writes it. */
function shown(folder: string): string {
  const relative = path.relative(process.cwd(), folder);
  return relative.startsWith('..') ? folder : `./${relative}`;
}
