import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { digestFile, digestFiles } from './digest';
import type { Tool, Tools } from './tools';
import { toolchainFolder, withWorkplace } from './workplace';

/**
 * What a library was built from, in `<pluginpath>/.dlserve/NAME.json`. Contents decide whether it still stands; times and
 * sizes only spare a look where nothing can have changed, as in git's index.
 */
export interface Stamp {
  /** The form of this file. Another one makes every library stale. */
  readonly format: 2;
  /** SHA-256 of all that decides the outcome besides files and compilers: flags, environment, what dlserve itself adds. */
  readonly recipe: string;
  readonly tools: readonly Tool[];
  /** SHA-256 of each file that went in, by its path relative to the pluginpath; of a folder, that of the names in it. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly library: { readonly size: number; readonly mtimeMs: number; readonly sha256: string };
}

/** What the next build of a source would be made of. */
export interface Plan {
  readonly recipe: string;
  /** Absolute paths of the files that are known to go in before a compiler has run. */
  readonly files: readonly string[];
}

/** Whether a library was built from exactly what is there now. */
export async function isFresh(pluginpath: string, name: string, library: string, plan: Plan, tools: Tools): Promise<boolean> {
  const stamp = await readStamp(pluginpath, name);
  if (stamp?.format !== 2 || stamp.recipe !== plan.recipe) return false;
  if (!plan.files.every((file) => path.relative(pluginpath, file) in stamp.inputs)) return false;

  const recorded = Object.keys(stamp.inputs);
  const [inputs, output, ...recognised] = await Promise.all([
    digestFiles(pluginpath, recorded.map((file) => path.resolve(pluginpath, file))),
    recognise(library, stamp.library),
    ...stamp.tools.map((tool) => tools.recognise(tool).catch(() => undefined)),
  ]);
  if (!recorded.every((file) => stamp.inputs[file] !== '' && inputs[file] === stamp.inputs[file])) return false;
  if (output === undefined || recognised.includes(undefined)) return false;

  const now: Stamp = { ...stamp, tools: recognised as Tool[], library: output };
  // The next look is quicker; where it can't be written, it isn't.
  if (output !== stamp.library || now.tools.some((tool, i) => tool !== stamp.tools[i])) {
    await writeStamp(pluginpath, name, now).catch(() => undefined);
  }
  return true;
}

/** The plugins of which there is a stamp. */
export async function stampedNames(pluginpath: string): Promise<string[]> {
  const files = await readdir(toolchainFolder(pluginpath)).catch(() => []);
  return files.filter((file) => file.endsWith('.json')).map((file) => path.parse(file).name);
}

/** Whether a library is the one that its stamp tells of, whatever has become of its source. */
export async function isAsBuilt(pluginpath: string, name: string, library: string): Promise<boolean> {
  const stamp = await readStamp(pluginpath, name);
  return stamp?.format === 2 && (await recognise(library, stamp.library)) !== undefined;
}

/** What a stamp says of a library that has just been built. */
export async function describeLibrary(library: string): Promise<Stamp['library']> {
  const { size, mtimeMs } = await stat(library);
  return { size, mtimeMs, sha256: await digestFile(library) };
}

async function recognise(library: string, recorded: Stamp['library']): Promise<Stamp['library'] | undefined> {
  try {
    const { size, mtimeMs } = await stat(library);
    if (size !== recorded.size) return undefined;
    if (mtimeMs === recorded.mtimeMs) return recorded;
    const now = await describeLibrary(library);
    return now.sha256 === recorded.sha256 ? now : undefined;
  } catch {
    return undefined;
  }
}

async function readStamp(pluginpath: string, name: string): Promise<Stamp | undefined> {
  try {
    return JSON.parse(await readFile(stampFile(pluginpath, name), 'utf8')) as Stamp;
  } catch {
    // Absent, or damaged: the next build writes a new one.
    return undefined;
  }
}

/** Writes a stamp whole or not at all. */
export async function writeStamp(pluginpath: string, name: string, stamp: Stamp): Promise<void> {
  await withWorkplace(pluginpath, async (workplace) => {
    const temporary = path.join(workplace, 'stamp.json');
    await writeFile(temporary, `${JSON.stringify(stamp, undefined, 2)}\n`);
    await rename(temporary, stampFile(pluginpath, name));
  });
}

/** Forgets what a library was built from. */
export async function removeStamp(pluginpath: string, name: string): Promise<void> {
  await rm(stampFile(pluginpath, name), { force: true });
}

/** Absolute paths of what a library was built from: files, and folders whose names count. None where there is no stamp. */
export async function recordedInputs(pluginpath: string, name: string): Promise<string[]> {
  return Object.keys((await readStamp(pluginpath, name))?.inputs ?? {}).map((file) => path.resolve(pluginpath, file));
}

/** Whether a compiler has made any library here. @param program of the compiler, such as `go` */
export async function wasUsed(pluginpath: string, program: string): Promise<boolean> {
  const stamps = await Promise.all((await stampedNames(pluginpath)).map((name) => readStamp(pluginpath, name)));
  return stamps.some((stamp) => stamp?.tools.some(({ command }) => command === program));
}

function stampFile(pluginpath: string, name: string): string {
  return path.join(toolchainFolder(pluginpath), `${name}.json`);
}
