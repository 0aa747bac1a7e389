import { readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { INCLUDE, type Job } from '../builder';
import { isIgnored } from '../languages';
import { run } from '../run';

/** What `go env` says of a build. */
export interface GoSettings {
  readonly CC: string;
  readonly CGO_CFLAGS: string;
  readonly CGO_LDFLAGS: string;
  /** The go.mod that governs the source; os.devNull where there is none, empty where modules are off. */
  readonly GOMOD: string;
  readonly GOMODCACHE: string;
  readonly GOVERSION: string;
}

/** A build with the go command. */
export interface GoJob extends Job {
  /** Where go runs: the package's folder, links resolved, since go takes an overlay by names. */
  readonly folder: string;
  /** What names the package on a command line: its folder, or the one file. */
  readonly target: readonly string[];
  readonly settings: GoSettings;
  /** More arguments of each go command about the package. */
  readonly args: readonly string[];
  /** Files that exist for this build only: where their text is, by the place where go shall see them. */
  readonly overlay: Readonly<Record<string, string>>;
}

/** Asks go how it would build a source. */
export async function prepare(job: Job): Promise<GoJob> {
  const { source, flags, env } = job;
  const folder = await realpath(source.folder ? source.path : path.dirname(source.path));
  const keys = ['CC', 'CGO_CFLAGS', 'CGO_LDFLAGS', 'GOMOD', 'GOMODCACHE', 'GOVERSION'];
  const { stdout } = await run(['go'], ['env', '-json', ...keys], { ...job, cwd: folder });
  const settings = JSON.parse(stdout) as GoSettings;
  return {
    ...job,
    folder,
    ...(source.folder ? { target: ['.'], overlay: {} } : await targetFile(job, folder)),
    settings,
    args: [],
    env: {
      ...env,
      CGO_ENABLED: '1',
      // Not in CGO_CFLAGS: go would compile those packages of its own library that use C once more for them.
      CPATH: env.CPATH === undefined || env.CPATH === '' ? INCLUDE : `${env.CPATH}${path.delimiter}${INCLUDE}`,
      ...(flags.cflags.length > 0 && { CGO_CFLAGS: quoted(settings.CGO_CFLAGS, flags.cflags) }),
      ...(flags.ldflags.length > 0 && { CGO_LDFLAGS: quoted(settings.CGO_LDFLAGS, flags.ldflags) }),
    },
  };
}

/**
 * Names a source of one file to go. Go ignores a file whose name begins with `_`, though plugins may be called so: it is
 * shown a copy under another name, whose first line makes compilers and stack traces tell the name that the author knows.
 */
async function targetFile({ source, workplace }: Job, folder: string): Promise<Pick<GoJob, 'target' | 'overlay'>> {
  const name = path.basename(source.path);
  if (!isIgnored(name)) return { target: [name], overlay: {} };
  const other = `dlserve.${name}`;
  const copy = path.join(workplace, other);
  const text = await readFile(source.path);
  // A byte order mark may stand at the very beginning only.
  const marked = text.subarray(0, 3).equals(Buffer.from('\ufeff'));
  await writeFile(copy, Buffer.concat([Buffer.from(`//line ${path.join(folder, name)}:1:1\n`), text.subarray(marked ? 3 : 0)]));
  return { target: [other], overlay: { [path.join(folder, other)]: copy } };
}

/**
 * Runs a go command about the package of a job.
 * @param command such as `['list', '-deps']`
 * @param more files of the package that stand in the overlay
 * @throws ToolFailure with go's words
 */
export async function go(job: GoJob, command: readonly string[], more: readonly string[] = []): ReturnType<typeof run> {
  const overlay = path.join(job.workplace, 'overlay.json');
  await writeFile(overlay, JSON.stringify({ Replace: job.overlay }));
  const [verb, ...options] = command;
  const target = job.source.folder ? job.target : [...new Set([...job.target, ...more])];
  return run(['go'], [verb!, '-overlay', overlay, ...job.args, ...options, ...target], { ...job, cwd: job.folder });
}

/** As go reads these variables: words with a space in them are quoted. */
function quoted(before: string, flags: readonly string[]): string {
  const quote = (flag: string): string => (/[\s'"]/.test(flag) ? (flag.includes("'") ? `"${flag}"` : `'${flag}'`) : flag);
  return [before, ...flags.map(quote)].join(' ');
}
