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
import { orphans, removeOrphan } from './orphans';
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
  /** Whether that is shown, so that the log need not tell what goes well. */
  readonly quiet?: boolean | undefined;
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
  /** Those that have ended once at least. */
  readonly #known = new Set<string>();
  readonly #underway = new Map<string, Promise<BuildEvent | undefined>>();
  /** Of those that are under way, the ones whose source may have changed meanwhile. */
  readonly #again = new Set<string>();
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
    this.#log = new BuildLog(log, options.onProgress ?? (() => undefined), options.quiet ?? false);
  }

  /**
   * Builds what is stale.
   * @param names the plugins to look at; all that have a source by default
   * @returns how each ended, sorted by name; a failure is an event like the others
   * @throws DlserveError BAD_CONFIG for a name without source, or where the sources can't be read
   */
  async build(names?: readonly string[]): Promise<BuildEvent[]> {
    return this.#results(await this.#inTurn(() => this.#look(names)));
  }

  /**
   * Looks at the sources again while a server runs, and builds what is stale then. A build that is under way is followed by another if
   * its source has changed: the last content wins. Where a build fails, the library of the last one stays where it is. A
   * library goes with its source, if that was seen before.
   * @param names the plugins to look at; by default all that have a source, or had one
   * @returns how each of those that have a source ended
   * @throws DlserveError BAD_CONFIG where the sources can't be read
   */
  async rebuild(names?: readonly string[]): Promise<BuildEvent[]> {
    return this.#results(await this.#inTurn(() => this.#lookAgain(names)));
  }

  async #results(names: readonly string[]): Promise<BuildEvent[]> {
    const events = await Promise.all(names.map(async (name) => (await this.#underway.get(name)) ?? this.#ended.get(name)));
    return events.filter((event) => event !== undefined);
  }

  /** One look at a time: two would start the same build twice. */
  async #inTurn(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const looking = (this.#looking?.catch(() => undefined) ?? Promise.resolve()).then(look);
    this.#looking = looking;
    return looking.finally(() => {
      if (this.#looking === looking) this.#looking = undefined;
    });
  }

  /**
   * What a request for a plugin has to wait for.
   * @returns undefined where nothing stands between the plugin and its request; else a promise that rejects with
   *   BUILD_FAILED when the build fails or has failed, the compiler's words in the `output` of its cause, a ToolFailure
   */
  wait(name: string): Promise<void> | undefined {
    const again = (): Promise<void> | undefined => this.wait(name);
    const underway = this.#underway.get(name);
    if (underway !== undefined) return underway.then(again);
    const ended = this.#ended.get(name);
    if (ended !== undefined) return ended.state === 'failed' ? Promise.reject(ended.error!) : undefined;
    // Where the sources cannot be read, nothing is built, and build() says so.
    return this.#looking?.then(again, () => undefined);
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
    const there = namesOf(found);
    const wanted = names ?? [...there].sort();
    const stranger = wanted.find((name) => !there.has(name));
    if (stranger !== undefined) {
      const places = `${stranger}${SOURCE_ENDINGS.join(', ')}, or a folder ${stranger}`;
      throw new DlserveError('BAD_CONFIG', { reason: `no source of ${stranger} in ${sourceFolder(this.#pluginpath)}: neither ${places}` });
    }
    if (names === undefined) {
      this.#log.notes(this.#pluginpath, found.notes);
      this.#log.orphans(this.#pluginpath, await orphans(this.#pluginpath, new Set(wanted)));
    }

    await this.#begin(wanted, found);
    return wanted;
  }

  async #lookAgain(names: readonly string[] | undefined): Promise<readonly string[]> {
    const found = await this.#find();
    const there = namesOf(found);
    const wanted = names ?? [...new Set([...there, ...this.#ended.keys(), ...this.#underway.keys()])].sort();
    const idle = wanted.filter((name) => !this.#underway.has(name));
    for (const name of wanted) if (this.#underway.has(name)) this.#again.add(name);
    await Promise.all(idle.filter((name) => !there.has(name)).map((name) => this.#forget(name)));
    await this.#begin(idle.filter((name) => there.has(name)), found);
    return wanted;
  }

  /** Holds sources against their libraries, and starts to build what is stale. */
  async #begin(names: readonly string[], found: Found): Promise<void> {
    const checked = await Promise.all(names.map((name) => this.#check(name, found)));
    this.#tellMissing(checked.filter((event) => 'state' in event));
    for (const next of checked) {
      if ('state' in next) this.#end(next);
      else this.#start(next);
    }
  }

  async #check(name: string, found: Found): Promise<Task | BuildEvent> {
    try {
      const source = found.sources.find((each) => each.name === name);
      if (source === undefined) throw found.unusable.get(name)!;
      return (await builders().check(source, this.#flags(name), this.#means)) ?? goesWell(name, 'fresh');
    } catch (error) {
      return this.#failure(name, 0, error);
    }
  }

  /** A source is gone. */
  async #forget(name: string): Promise<void> {
    if (!this.#known.delete(name)) return;
    this.#ended.delete(name);
    try {
      if (await removeOrphan(this.#pluginpath, name)) this.#log.removed(this.#pluginpath, name);
    } catch (error) {
      this.#log.unremovable(this.#pluginpath, name, error);
    }
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
    this.#underway.set(name, this.#runToLast(name, task));
  }

  /** Builds until no change has come meanwhile. @returns undefined where the source has gone meanwhile */
  async #runToLast(name: string, first: Task): Promise<BuildEvent | undefined> {
    let event: BuildEvent | undefined = await this.#run(first);
    while (this.#again.delete(name) && !this.#stopping.signal.aborted) {
      const found = await this.#find().catch(() => undefined);
      if (found === undefined) continue;
      const isThere = namesOf(found).has(name);
      event = isThere ? await this.#runIfStale(name, found) : undefined;
      if (!isThere) await this.#forget(name);
    }
    // At once: whoever comes after this finds that it has ended.
    this.#underway.delete(name);
    return event;
  }

  async #runIfStale(name: string, found: Found): Promise<BuildEvent> {
    const next = await this.#check(name, found);
    return 'state' in next ? this.#end(next) : this.#run(next);
  }

  async #run(task: Task): Promise<BuildEvent> {
    const { name } = task.source;
    const work = new Work(this.#jobs, task.builder.pace, () => this.#log.event(goesWell(name, 'building', task.note)));
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
    this.#log.event(event, this.#known.has(event.name));
    this.#known.add(event.name);
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

/** The plugins that have a source, be it of use or not. */
function namesOf({ sources, unusable }: Found): ReadonlySet<string> {
  return new Set([...sources.map(({ name }) => name), ...unusable.keys()]);
}

/** Loaded only where there is a source. */
function builders(): typeof import('./make') {
  return require('./make') as typeof import('./make');
}
