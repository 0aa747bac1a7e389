import { readFile } from 'node:fs/promises';
import { METHODS } from '../../plugin/name';
import { GO_WRAPPER, HEADER } from '../builder';
import { digest, digestFiles } from '../digest';
import { openable } from '../openable';
import { run, ToolFailure } from '../run';
import type { GoJob } from './command';
import type { Listed } from './list';

/** The answer of native/go/wrap. */
interface Answer {
  readonly unparsed: boolean;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly saysNone: boolean;
  readonly files: Readonly<Record<string, string>>;
}

/** What is added to a package while it is built. */
export interface Added {
  /** Text by file name; also of files of the package that go shall see otherwise. */
  readonly files: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** Whether the warnings say that there is no handler. */
  readonly saysNone: boolean;
}

/**
 * Has the C functions written that a package lacks. One with syntax errors gets none: compiling it tells them best.
 * @throws ToolFailure where the package cannot become a plugin as it is
 */
export async function addedFiles(job: GoJob, listed: Listed): Promise<Added> {
  const question = {
    methods: METHODS,
    files: listed.files,
    dependencies: listed.dependencies,
    native: listed.native,
    nativeDependencies: listed.nativeDependencies,
    inputs: digest([await readFile(HEADER, 'utf8'), await digestFiles(job.pluginpath, [...job.source.files, ...listed.inputs])]),
  };
  // A program for this machine, whatever the plugins are built for.
  const env = { ...job.env, GOFLAGS: '-mod=readonly', GOWORK: 'off', GO111MODULE: 'on', GOOS: '', GOARCH: '', CGO_ENABLED: '0' };
  const { stdout } = await run(['go'], ['run', '.'], { ...job, cwd: GO_WRAPPER, env, input: JSON.stringify(question) });
  const answer = JSON.parse(stdout) as Answer;
  const told = (lines: readonly string[]): string[] => lines.map((line) => openable(line, job.folder));
  if (answer.problems.length > 0) throw new ToolFailure('the package cannot become a plugin', `${told(answer.problems).join('\n')}\n`);
  return { ...answer, warnings: told(answer.warnings) };
}
