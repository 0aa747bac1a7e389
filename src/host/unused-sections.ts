import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../ground/log';
import { nearest } from '../ground/nearest';
import { fromWorkingDirectory } from '../ground/working-directory';
import { written } from '../config/document';
import type { Config } from '../config/load';
import { ENDINGS } from '../runtimes/registry';
import type { Builds } from './builds';
import { listNames } from './find';

/**
 * Warns of each `[plugin.NAME]` of which there is neither a file nor a source, once the sources are built.
 * @param isOver whether nobody wants to know any more
 * @throws what the log throws, and nothing else
 */
export async function warnOfUnusedSections(
  { pluginpath, sections }: Config,
  builds: Builds,
  log: Logger,
  isOver: () => boolean = () => false,
): Promise<void> {
  if (sections.size === 0) return;
  await builds.finished;
  // In a folder that can't be listed there may be any.
  if (!(await isListable(pluginpath))) return;
  const names = new Set([...(await listNames(pluginpath, ENDINGS)), ...builds.unfinished().keys()]);
  if (isOver()) return;
  const folder = shown(pluginpath);
  for (const [name, where] of sections) {
    if (names.has(name)) continue;
    const meant = nearest(name, names);
    const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
    log.warn(`${where}: [${written(['plugin', name])}]: there is no plugin of that name in ${folder}${hint}`);
  }
}

/** A folder below the working directory as a person writes it. */
export function shown(folder: string): string {
  const relative = fromWorkingDirectory(folder);
  return relative.startsWith('..') || path.isAbsolute(relative) ? folder : `./${relative}`;
}

/** Whether it is known what is in a folder: also where it is not there, and nothing is. */
export async function isListable(folder: string): Promise<boolean> {
  const code = await access(folder, constants.R_OK).then(() => undefined, (error: unknown) => (error as NodeJS.ErrnoException).code);
  return code === undefined || code === 'ENOENT';
}
