import { existsSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import path from 'node:path';
import { toolchainFolder } from '../workplace';
import type { GoJob } from './command';

/** The files above a source that decide which modules it gets. They are part of what it is built from. */
export function moduleFiles(folder: string): string[] {
  return [...nearest(folder, ['go.mod', 'go.sum']), ...nearest(folder, ['go.work', 'go.work.sum'])];
}

function nearest(folder: string, names: readonly string[]): string[] {
  const found = names.map((name) => path.join(folder, name)).filter((file) => existsSync(file));
  const parent = path.dirname(folder);
  return found.length > 0 || parent === folder ? found : nearest(parent, names);
}

/**
 * Gives a source that no go.mod governs one of its own, so that it may import modules all the same. Go sees it beside the
 * source; the file is dlserve's, and what go writes into it is kept for the next build: the same versions are taken then.
 */
export async function withModule<T>(job: GoJob, task: (job: GoJob) => Promise<T>): Promise<T> {
  if (job.settings.GOMOD !== devNull) return task(job);
  const kept = (file: string): string => path.join(toolchainFolder(job.pluginpath), `${job.source.name}.${file}`);
  const lent = (file: string): string => path.join(job.workplace, file);

  const language = /^go(\d+\.\d+)/.exec(job.settings.GOVERSION)?.[1];
  await writeFile(lent('go.mod'), `module dlserve.plugin\n${language === undefined ? '' : `\ngo ${language}\n`}`);
  for (const file of ['go.mod', 'go.sum']) if (existsSync(kept(file))) await copyFile(kept(file), lent(file));

  const result = await task({
    ...job,
    args: [...job.args, `-modfile=${lent('go.mod')}`, '-mod=mod'],
    overlay: { ...job.overlay, [path.join(job.folder, 'go.mod')]: lent('go.mod') },
    // A workspace above would have no place for it.
    env: { ...job.env, GOWORK: 'off' },
  });
  // Without a module imported there is no go.sum, and nothing to remember.
  if (existsSync(lent('go.sum'))) for (const file of ['go.mod', 'go.sum']) await copyFile(lent(file), kept(file));
  return result;
}
