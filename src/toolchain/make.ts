import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Builder, Built, Flags, Means } from './builder';
import { cBuilder } from './c/builder';
import { digestFiles, digestUntouched } from './digest';
import { findingsOf } from './findings';
import { goBuilder } from './go/builder';
import { libraryPath } from './library';
import type { Work } from './jobs';
import type { Source } from './sources';
import { describeLibrary, isFresh, wasUsed, writeStamp, type Plan } from './stamp';
import { MissingTool } from './tools';
import { Unwritable, withWorkplace } from './workplace';

const FIRST_GO = 'first Go build compiles the standard library, up to a minute';

/** A source that has to be built, as it was when it was looked at. */
export interface Task {
  readonly source: Source;
  readonly builder: Builder;
  readonly flags: Flags;
  readonly plan: Plan;
  /** Why it may take long, if there is a reason. */
  readonly note?: string | undefined;
}

/**
 * Looks at a source and its library; starts no compiler as long as nothing has changed.
 * @returns undefined where the library is fresh
 * @throws MissingTool where it is not, and cannot be made so
 */
export async function check(source: Source, flags: Flags, means: Means): Promise<Task | undefined> {
  const builder = source.language === 'go' ? goBuilder : cBuilder;
  const plan = await builder.plan(source, flags, means.env);
  const library = libraryPath(means.pluginpath, source.name);
  if (await isFresh(means.pluginpath, source.name, library, plan, means.tools)) return undefined;
  for (const command of builder.needs(source, means.env)) {
    if (means.tools.find(command) === undefined) throw new MissingTool(command);
  }
  const isFirstGo = source.language === 'go' && !(await wasUsed(means.pluginpath, 'go'));
  return { source, builder, flags, plan, ...(isFirstGo && { note: FIRST_GO }) };
}

/**
 * Builds a source. Its library appears under its name whole or not at all, since an old one may be mapped by a process:
 * written over, it would take that process down.
 * @param work where the time that it takes is counted
 * @throws ToolFailure, MissingTool or Unwritable
 */
export async function make({ source, builder, flags, plan }: Task, means: Means, work: Work): Promise<Pick<Built, 'output' | 'warnings'>> {
  const { pluginpath } = means;
  return withWorkplace(pluginpath, async (workplace) => {
    // Read before any compiler reads them: a file that is saved meanwhile makes the library stale.
    const inputs = await digestFiles(pluginpath, plan.files);
    const target = libraryPath(pluginpath, source.name);
    const library = path.join(workplace, path.basename(target));
    const begun = (await stat(workplace)).ctimeMs;
    const built = await builder.build({ ...means, work, source, flags, workplace, library });
    const stamp = {
      format: 2 as const,
      recipe: plan.recipe,
      tools: built.tools,
      inputs: { ...(await digestUntouched(pluginpath, built.inputs, begun)), ...inputs },
      library: await describeLibrary(library),
    };
    const warnings = [...built.warnings, ...(await findingsOf(library, built.saysNone))];
    await rename(library, target).catch((error: unknown) => {
      throw new Unwritable(error);
    });
    await writeStamp(pluginpath, source.name, stamp);
    return { output: built.output, warnings };
  });
}
