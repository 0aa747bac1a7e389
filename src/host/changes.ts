import path from 'node:path';
import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { isFileName } from '../plugin/name';
import { ENDINGS } from '../runtimes/registry';
import { languageOf } from '../toolchain/languages';
import { sourceFolder } from '../toolchain/sources';
import { libraryPath } from '../toolchain/library';
import { isAsBuilt, recordedInputs, stampedNames } from '../toolchain/stamp';
import type { Builds } from './builds';
import { findFile, listNames } from './find';
import { settled, type Settled } from './settled';

/** Who is told of plugins that have changed. */
export interface Target {
  /**
   * Its library is another one, or could not be built, which {@link Builds.wait} tells.
   * @param since performance.now() of when the change was seen
   */
  reload(name: string, since: number): Promise<unknown>;
  /** Its library is gone, and its source is too. */
  remove(name: string): Promise<unknown>;
}

/** Milliseconds in which nothing more may be saved before compilers are started: some editors save in several steps. */
const PAUSE = 30;

/** What becomes of changes in a pluginpath. */
export class Changes {
  readonly #pluginpath: string;
  readonly #builds: Builds;
  readonly #target: Target;
  readonly #log: Logger;
  /** The libraries as they were last handed on: fingerprints by the names of plugins. */
  readonly #known = new Map<string, string>();
  readonly #settling = new Set<string>();
  /** Of each plugin, what is told of it in turn. */
  readonly #told = new Map<string, Promise<unknown>>();
  readonly #closing = new AbortController();
  #saved = new Set<string>();
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;
  readonly ready: Promise<void>;

  /** @param onBuilt called after builds: what sources are made of may be more than before */
  constructor(
    options: { readonly pluginpath: string; readonly builds: Builds; readonly target: Target; readonly log: Logger },
    private readonly onBuilt: () => void,
  ) {
    this.#pluginpath = options.pluginpath;
    this.#builds = options.builds;
    this.#target = options.target;
    this.#log = options.log;
    this.ready = this.#remember(true);
    void options.builds.finished.then(async () => {
      await this.#remember(false);
      this.#isStarted = true;
    });
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  /** A file, or a folder, of which something is built has changed, come or gone. */
  source(file: string): void {
    if (this.#saved.size === 0) this.#since = performance.now();
    this.#saved.add(file);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const files = this.#saved;
      this.#saved = new Set();
      void this.#rebuild(files, this.#since);
    }, PAUSE);
  }

  /** The library of a plugin has changed, come or gone. */
  library(name: string): void {
    if (this.#settling.has(name)) return;
    this.#settling.add(name);
    void this.#settle(name, performance.now()).catch((error: unknown) => this.#log.warn({ plugin: name }, messageOf(error)));
  }

  async #settle(name: string, since: number): Promise<void> {
    const result = await settled(this.#pluginpath, name, this.#closing.signal).finally(() => this.#settling.delete(name));
    if (this.#closing.signal.aborted) return;
    if (result === 'gone') {
      // One whose source is there is built again.
      await this.#rebuildPlugins([name], since);
    } else if ('reason' in result) {
      this.#log.warn({ plugin: name }, `${name} has changed and is not opened: ${result.reason}`);
    } else {
      await this.#offer(name, result, since);
    }
  }

  async #offer(name: string, { fingerprint, isAsBuilt }: Settled, since: number): Promise<void> {
    if (this.#known.get(name) === fingerprint) return;
    this.#known.set(name, fingerprint);
    // The build of a start: a request waits for it, and opens what it has made.
    if (!this.#isStarted && isAsBuilt) return;
    await this.#tell(name, () => this.#target.reload(name, since));
  }

  async #rebuild(files: ReadonlySet<string>, since: number): Promise<void> {
    await this.#rebuildPlugins(await this.#concerned(files), since);
  }

  /** @param names all where it is undefined */
  async #rebuildPlugins(names: readonly string[] | undefined, since: number): Promise<void> {
    const failed = new Map(Array.from(this.#builds.unfinished()).filter(([, error]) => error !== undefined));
    const events = await this.#builds.rebuild(names);
    if (this.#closing.signal.aborted) return;
    this.onBuilt();
    const there = new Set(events.map(({ name }) => name));
    const gone = (names ?? [...new Set([...this.#known.keys(), ...failed.keys()])]).filter((name) => !there.has(name));
    await Promise.all([
      ...events.map(async ({ name, state }) => {
        if (state === 'built') return this.#reloadIfChanged(name, since);
        // One that is fresh again was mended by going back.
        if (state === 'failed' || failed.has(name)) await this.#tell(name, () => this.#target.reload(name, since));
      }),
      ...gone.map((name) => this.#removeIfGone(name, failed.has(name), since)),
    ]);
  }

  async #reloadIfChanged(name: string, since: number): Promise<void> {
    const before = this.#known.get(name);
    const now = await this.#fingerprint(name);
    if (now !== undefined && now !== before) await this.#tell(name, () => this.#target.reload(name, since));
  }

  async #removeIfGone(name: string, hadFailed: boolean, since: number): Promise<void> {
    const isThere = await findFile(this.#pluginpath, name, ENDINGS).then(() => true, () => false);
    if (isThere) {
      // A library that is somebody else's is served again.
      if (hadFailed) await this.#tell(name, () => this.#target.reload(name, since));
    } else if (this.#known.delete(name) || hadFailed) {
      await this.#tell(name, () => this.#target.remove(name));
    }
  }

  /** Which plugins a change concerns; undefined where it may be any. */
  async #concerned(files: ReadonlySet<string>): Promise<string[] | undefined> {
    const names = new Set<string>();
    for (const file of files) {
      const [top = '', ...below] = path.relative(sourceFolder(this.#pluginpath), file).split(path.sep);
      const name = below.length > 0 || path.extname(top) === '' ? top : path.parse(top).name;
      const isOne = below.length > 0 || path.extname(top) === '' || languageOf(top) !== undefined;
      if (!isOne || !isFileName(name)) return undefined;
      names.add(name);
      // What the failed ones are made of is not known.
      if (below.length > 0) for (const [each, error] of this.#builds.unfinished()) if (error !== undefined) names.add(each);
    }
    for (const name of await stampedNames(this.#pluginpath)) {
      if (names.has(name)) continue;
      const inputs = await recordedInputs(this.#pluginpath, name);
      if (inputs.some((input) => files.has(input))) names.add(name);
    }
    return [...names];
  }

  /** One after the other: the last word counts. */
  #tell(name: string, word: () => Promise<unknown>): Promise<unknown> {
    const telling = (this.#told.get(name) ?? Promise.resolve())
      .then(() => (this.#closing.signal.aborted ? undefined : word()))
      .catch((error: unknown) => {
        // What is wrong with a plugin is told by who opens it.
        if (!(error instanceof DlserveError)) this.#log.warn({ plugin: name }, messageOf(error));
      });
    this.#told.set(name, telling);
    return telling;
  }

  /**
   * Takes in the libraries that are there.
   * @param isFirst otherwise only those that were built of their sources meanwhile
   */
  async #remember(isFirst: boolean): Promise<void> {
    const names = await listNames(this.#pluginpath, ENDINGS);
    await Promise.all(
      names.map(async (name) => {
        if (isFirst || (await isAsBuilt(this.#pluginpath, name, libraryPath(this.#pluginpath, name)))) await this.#fingerprint(name);
      }),
    );
  }

  /** Looks at a library, which is known from now on. */
  async #fingerprint(name: string): Promise<string | undefined> {
    const file = await findFile(this.#pluginpath, name, ENDINGS).catch(() => undefined);
    if (file === undefined) this.#known.delete(name);
    else this.#known.set(name, file.fingerprint);
    return file?.fingerprint;
  }
}
