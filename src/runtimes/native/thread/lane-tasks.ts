import { HOST_ABI } from '../../../binary/exports';
import { DlserveError } from '../../../ground/errors';
import { inTime, within } from '../../../ground/waiting';
import type { Declared } from '../../../plugin/route';
import { JobState, LIFE, Outcome, Step, type Addon, type Body } from '../addon';
import type { SaidBodies } from '../bodies';
import type { NativeSource } from '../keys';
import { logBadEnd } from '../koffi/lifecycle';
import { bindLane } from '../lane';
import { LoadedLibrary, loadFailed } from '../loaded-library';
import { openAlone, StillRuns } from '../loader';

/** Milliseconds after which a thread that has nothing else to do has surely begun with a job. */
const TO_BEGIN = 1000;

/** How one of the jobs that are no calls came back. */
export interface Task {
  readonly outcome: number;
  readonly status: number;
  readonly body: Body;
}

type Label = (typeof LIFE)[number];

/** The words that a library said; '' where it said nothing. */
function textOf(body: Body): string {
  return body === null ? '' : String(body);
}

/** A library, how many threads may be in it, and what it says of itself. */
interface Opened {
  readonly library: LoadedLibrary;
  readonly threads: number;
  readonly declared: Declared | undefined;
  readonly bodies: SaidBodies;
}

/** The life of a library of mode "thread", each step of it on a thread of the library's own, so that none can hold up the server. */
export class LaneTasks {
  #library: LoadedLibrary | undefined;
  #ended: ((task: Task) => void) | undefined;
  /** Of the job that was submitted last. */
  #slot = -1;
  #isAbandoned = false;

  /** @param flushSoon sees to it that what was submitted reaches the threads */
  constructor(
    private readonly source: NativeSource,
    private readonly addon: Addon,
    private readonly lane: number,
    private readonly flushSoon: () => void,
  ) {}

  /** A record of the addon says that such a job has ended. */
  ended(task: Task): void {
    this.#ended?.(task);
  }

  /**
   * Opens the library, checks its ABI, calls PluginInit and asks for its concurrency. After a failure no thread is left, but for one
   * that hangs: where that is known to end, the error's cause tells when.
   * @param limit milliseconds for all of it
   * @returns the library, and how many threads may be in it
   * @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED or INIT_FAILED
   */
  async open(limit: number): Promise<Opened> {
    let end = Infinity;
    let library: LoadedLibrary | undefined;
    try {
      this.addon.limitLane(this.lane, 1);
      const load = (): Promise<LoadedLibrary> => {
        end = performance.now() + limit;
        return this.#load();
      };
      library = await openAlone(this.source.file.base, 'opening', limit, load, () => this.#leave(limit));
      const initialised = await within(this.#initialise(library), end - performance.now());
      if (initialised === undefined) throw library.initHangs(limit);
      return { library, ...initialised };
    } catch (refusal) {
      if (!(refusal instanceof DlserveError && refusal.cause instanceof StillRuns)) await this.#leave(limit);
      // The library is not known here as long as its constructors run.
      else if (library === undefined) this.#disregard();
      else this.abandon();
      throw refusal;
    }
  }

  /** Undoes an opening that has failed. */
  #leave(limit: number): Promise<void> {
    return this.#endThreads(true, limit).catch(() => this.abandon());
  }

  async #load(): Promise<LoadedLibrary> {
    const { file, settings } = this.source;
    const { status, body } = await this.#run(() => this.addon.load(this.lane, file.path, settings.own.ownsymbols));
    if (status !== 0) throw loadFailed(file.base, String(body));
    return (this.#library = LoadedLibrary.open(this.source));
  }

  async #initialise(library: LoadedLibrary): Promise<Omit<Opened, 'library'>> {
    bindLane(this.addon, this.lane, library);
    library.checkAbi(await this.#number(library, 'PluginABI'), HOST_ABI);
    if (library.address('PluginInit') !== null) {
      const config = JSON.stringify(this.source.settings.config);
      const { status, body } = await this.#run(() => this.addon.init(this.lane, config));
      if (status !== 0) throw library.initFailed(status, textOf(body));
    }
    const title = await this.#start(library);
    const threads = library.concurrency(await this.#number(library, 'PluginConcurrency'));
    return { threads, declared: await this.#declared(library, title), bodies: await this.#bodies(library) };
  }

  async #bodies(library: LoadedLibrary): Promise<SaidBodies> {
    const said = new Map<string, number>();
    for (const [name, address] of library.bodyFunctions) said.set(name, await this.#call(address, 'PluginBody'));
    return said;
  }

  /** Starts the library by its PluginFactory, where it has one. @returns what it calls itself */
  async #start(library: LoadedLibrary): Promise<string> {
    const { factory } = library;
    if (factory === undefined) return '';
    const title = await this.#text(factory.name, 'PluginFactory.name');
    if (factory.start === 0n) return title;
    const config = JSON.stringify(this.source.settings.config);
    const { status, body } = await this.#step(Step.START, factory.start, 'PluginFactory.start', config);
    if (status === 0) return title;
    // PluginInit has succeeded. Without PluginStop it may have threads that nobody ends.
    if (library.address('PluginStop') !== null) await this.#run(() => this.addon.stop(this.lane));
    else if (!library.canStop) library.keep();
    throw library.startFailed(status, textOf(body));
  }

  async #declared(library: LoadedLibrary, title: string): Promise<Declared | undefined> {
    if (!library.declares) return undefined;
    const plain = await this.#text(library.address('PluginRoutes') ?? 0n, 'PluginRoutes');
    return { title, routes: [plain, await this.#text(library.factory?.routes ?? 0n, 'PluginFactory.routes')] };
  }

  async #text(address: bigint, label: Label): Promise<string> {
    return address === 0n ? '' : textOf((await this.#step(Step.TEXT, address, label)).body);
  }

  #step(step: number, address: bigint, label: Label, config = ''): Promise<Task> {
    return this.#run(() => this.addon.run(this.lane, step, address, LIFE.indexOf(label), config));
  }

  async #number(library: LoadedLibrary, symbol: 'PluginABI' | 'PluginConcurrency'): Promise<number> {
    const address = library.address(symbol);
    if (address === null) return 1;
    return this.#call(address, symbol);
  }

  async #call(address: bigint, label: Label): Promise<number> {
    return (await this.#run(() => this.addon.number(this.lane, address, LIFE.indexOf(label)))).status;
  }

  /**
   * Calls PluginStop, where the library has one, and ends the threads; lets go of the library then where it could be told to stop.
   * @param limit tells in how many milliseconds all of that should have been done; it is seen to its end all the same
   * @param isIdle whether every call has come to its end, also those that the library has kept
   * @throws Error where it does not let go of what it has kept
   */
  async close(limit: () => number, isIdle: () => boolean): Promise<void> {
    const unloads = this.#library?.canStop === true;
    if (unloads) await this.#stop(limit());
    else this.#library?.keep();
    if (!isIdle()) throw new Error('it has kept exchanges, and did not end them before PluginStop returned');
    try {
      await this.#endThreads(unloads, limit());
    } catch (refusal) {
      if (!(refusal instanceof DlserveError && refusal.cause instanceof StillRuns)) throw refusal;
      await refusal.cause.end;
    }
  }

  async #stop(limit: number): Promise<void> {
    const stopping = this.#callStops();
    if (!(await inTime(stopping, Math.max(limit, TO_BEGIN)))) this.#disregard();
    await stopping;
  }

  async #callStops(): Promise<void> {
    const library = this.#library!;
    const stop = library.factory?.stop ?? 0n;
    if (stop !== 0n) {
      const { status, body } = await this.#step(Step.END, stop, 'PluginFactory.stop');
      if (status !== 0) logBadEnd(this.source, status, textOf(body));
    }
    if (library.address('PluginStop') !== null) await this.#run(() => this.addon.stop(this.lane));
  }

  /** Lets the process end by itself while the job runs that was submitted last. */
  #disregard(): void {
    const state = this.addon.withdraw(this.lane, this.#slot, true);
    if (state === JobState.WAITING) this.#ended?.({ outcome: Outcome.TOO_LATE, status: 0, body: null });
  }

  /** Resolves when the last of the threads has left the library; its destructors have run then, if it is unloaded. */
  async #endThreads(unloads: boolean, limit: number): Promise<void> {
    const end = async (): Promise<void> => {
      const ended = new Promise<Task>((resolve) => (this.#ended = resolve));
      if (unloads) this.#library?.unload();
      if (!this.addon.closeLane(this.lane, unloads)) return;
      await ended;
      this.addon.dropLane(this.lane);
    };
    await (unloads ? openAlone(this.source.file.base, 'unloading', limit, end) : end());
  }

  /** Submits one of the jobs that are no calls; they never overlap. */
  async #run(submit: () => number): Promise<Task> {
    const task = new Promise<Task>((resolve) => (this.#ended = resolve));
    this.#slot = submit();
    if (this.#slot === -1) throw new DlserveError('INTERNAL', {}, { cause: new Error('out of memory') });
    this.flushSoon();
    const ended = await task;
    if (ended.outcome !== Outcome.REPLY) throw new DlserveError('INTERNAL', {}, { cause: new Error('no thread could be started in time') });
    return ended;
  }

  /** Leaves the threads to themselves. */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#library?.keep();
    this.addon.abandonLane(this.lane);
  }
}
