import { setMaxListeners } from 'node:events';
import os from 'node:os';
import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { NO_FLAGS, type Flags, type Means } from './builder';
import { BuildLog } from './build-log';
import { goesWell, goesWrong, type BuildEvent } from './event';
import { SOURCE_ENDINGS } from './languages';
import { hasLibrary } from './library';
import type { Task } from './make';
import { orphans } from './orphans';
import type { Limits } from './run';
import { Jobs, Work } from './jobs';
import { findSources, sourceFolder, type Found } from './sources';
import { MissingTool, Tools } from './tools';
import { removeWorkplaces } from './workplace';

export type { Flags } from './builder';
export type { BuildEvent, BuildState } from './event';
export { ToolFailure } from './run';

export interface ToolchainOptions {
  /** Absolute path of the folder of the libraries; the sources are in its `src`. */
  readonly pluginpath: string;
  readonly log: Logger;
  /** More arguments for the compilers of a plugin, from its configuration. */
  readonly flags?: ((name: string) => Flags) | undefined;
  /** How many compilers run at once; as many as there are cores by default. */
  readonly jobs?: number | undefined;
  /** What every compiler may take; without it, as much as it wants. */
  readonly limits?: Limits | undefined;
  /** Where PATH, CC, CFLAGS, GOFLAGS and their like are taken from; this process by default. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Told when a build begins, and how each source ended. */
  readonly onProgress?: ((event: BuildEvent) => void) | undefined;
}

const NO_LIMITS: Limits = { time: 0, memory: 0 };

/** Keeps the libraries of one pluginpath up to date with their sources. */
export class Toolchain {
  readonly #pluginpath: string;
  readonly #flags: (name: string) => Flags;
  readonly #means: Means;
  readonly #jobs: Jobs;
  readonly #log: BuildLog;
  readonly #stopping = new AbortController();
  readonly #ended = new Map<string, BuildEvent>();
  readonly #underway = new Map<string, Promise<BuildEvent>>();
  #looking: Promise<readonly string[]> | undefined;

  constructor(options: ToolchainOptions) {
    const { pluginpath, log, env = process.env, limits = NO_LIMITS, jobs = os.availableParallelism() } = options;
    const signal = this.#stopping.signal;
    // One for each compiler that runs.
    setMaxListeners(0, signal);
    this.#pluginpath = pluginpath;
    this.#flags = options.flags ?? (() => NO_FLAGS);
    this.#means = { pluginpath, env, signal, limits, tools: new Tools(env, signal, limits) };
    this.#jobs = new Jobs(jobs);
    this.#log = new BuildLog(log, options.onProgress ?? (() => undefined));
  }

  /**
   * Builds what is stale. A server calls it once: a source that is changed later has no effect until the next start.
   * @param names the plugins to look at; all that have a source by default
   * @returns how each ended, sorted by name; a failure is an event like the others
   * @throws DlserveError BAD_CONFIG for a name without source, or where the sources can't be read
   */
  async build(names?: readonly string[]): Promise<BuildEvent[]> {
    this.#looking = this.#look(names);
    const wanted = await this.#looking.finally(() => (this.#looking = undefined));
    return Promise.all(wanted.map(async (name) => (await this.#underway.get(name)) ?? this.#ended.get(name)!));
  }

  /**
   * What a request for a plugin has to wait for.
   * @returns undefined where nothing stands between the plugin and its request; else a promise that rejects with
   *   BUILD_FAILED when the build fails or has failed, the compiler's words in the `output` of its cause, a ToolFailure
   */
  wait(name: string): Promise<void> | undefined {
    const ended = this.#ended.get(name);
    if (ended !== undefined) return ended.state === 'failed' ? Promise.reject(ended.error!) : undefined;
    const underway = this.#underway.get(name);
    const again = (): Promise<void> | undefined => this.wait(name);
    // Where the sources cannot be read, nothing is built, and build() says so.
    return underway?.then(again) ?? this.#looking?.then(again, () => undefined);
  }

  /** Plugins whose source is being compiled, without a value, or has failed to be, with the reason. */
  get unfinished(): ReadonlyMap<string, DlserveError | undefined> {
    const failed = Array.from(this.#ended.values()).filter(({ state }) => state === 'failed');
    return new Map([
      ...failed.map(({ name, error }) => [name, error] as const),
      ...Array.from(this.#underway.keys(), (name) => [name, undefined] as const),
    ]);
  }

  /** How each source has ended so far, by the name of its plugin. */
  get ended(): ReadonlyMap<string, BuildEvent> {
    return this.#ended;
  }

  /** Ends every compiler that still runs; what they were building has failed then. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking?.catch(() => undefined);
    await Promise.all(this.#underway.values());
  }

  /** Sees what there is, which takes milliseconds, and sets in motion what takes longer. */
  async #look(names: readonly string[] | undefined): Promise<readonly string[]> {
    const [found] = await Promise.all([this.#find(), removeWorkplaces(this.#pluginpath)]);
    const sources = new Map(found.sources.map((source) => [source.name, source]));
    const wanted = names ?? [...sources.keys(), ...found.unusable.keys()].sort();
    const stranger = wanted.find((name) => !sources.has(name) && !found.unusable.has(name));
    if (stranger !== undefined) {
      const places = `${stranger}${SOURCE_ENDINGS.join(', ')}, or a folder ${stranger}`;
      throw new DlserveError('BAD_CONFIG', { reason: `no source of ${stranger} in ${sourceFolder(this.#pluginpath)}: neither ${places}` });
    }
    if (names === undefined) {
      this.#log.notes(this.#pluginpath, found.notes);
      this.#log.orphans(this.#pluginpath, await orphans(this.#pluginpath, new Set(wanted)));
    }

    if (wanted.length === 0) return wanted;
    const { check } = builders();
    const checked = await Promise.all(
      wanted.map(async (name): Promise<Task | BuildEvent> => {
        try {
          const source = sources.get(name);
          if (source === undefined) throw found.unusable.get(name)!;
          return (await check(source, this.#flags(name), this.#means)) ?? goesWell(name, 'fresh');
        } catch (error) {
          return this.#failure(name, 0, error);
        }
      }),
    );
    this.#tellMissing(checked.filter((event) => 'state' in event));
    for (const next of checked) {
      if ('state' in next) this.#end(next);
      else this.#start(next);
    }
    return wanted;
  }

  #find(): Promise<Found> {
    return findSources(this.#pluginpath).catch((error: unknown) => {
      const reason = `the sources in pluginpath can't be read: ${messageOf(error)}`;
      throw new DlserveError('BAD_CONFIG', { reason }, { cause: error });
    });
  }

  #start(task: Task): void {
    const { name } = task.source;
    this.#ended.delete(name);
    this.#underway.set(name, this.#run(task).finally(() => this.#underway.delete(name)));
  }

  async #run(task: Task): Promise<BuildEvent> {
    const { name } = task.source;
    const work = new Work(this.#jobs);
    this.#log.event(goesWell(name, 'building'));
    try {
      const { output, warnings } = await builders().make(task, this.#means, work);
      return this.#end({ name, state: 'built', ms: Math.round(work.ms), output, warnings });
    } catch (error) {
      const event = this.#failure(name, Math.round(work.ms), error);
      this.#tellMissing([event]);
      return this.#end(event);
    }
  }

  #failure(name: string, ms: number, thrown: unknown): BuildEvent {
    return goesWrong(name, ms, thrown, hasLibrary(this.#pluginpath, name));
  }

  #end(event: BuildEvent): BuildEvent {
    this.#ended.set(event.name, event);
    this.#log.event(event);
    return event;
  }

  #tellMissing(events: readonly BuildEvent[]): void {
    const byCommand = new Map<string, BuildEvent[]>();
    for (const event of events) {
      const cause = event.error?.cause;
      if (cause instanceof MissingTool) byCommand.set(cause.command, [...(byCommand.get(cause.command) ?? []), event]);
    }
    for (const [command, concerned] of byCommand) this.#log.missing(command, concerned);
  }
}

/** Loaded only where there is a source. */
function builders(): typeof import('./make') {
  return require('./make') as typeof import('./make');
}
