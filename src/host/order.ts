import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { withPredecessors } from '../plugin/lifecycle/graph';
import type { Plugin } from '../plugin/lifecycle/plugin';
import { blocked, Registry, type PluginError } from '../plugin/lifecycle/registry';
import type { PluginSettings } from '../plugin/runtime';

/** Milliseconds before what was to start with the server is tried again; doubled each time. */
const FIRST_RETRY = 5_000;
const LAST_RETRY = 60_000;

export interface OrderParts {
  readonly settings: (name: string) => PluginSettings;
  readonly isOpen: (name: string) => boolean;
  /** Opens a plugin, unless it is open; it is rejected as a request would be. */
  readonly open: (name: string) => Promise<unknown>;
  readonly close: (name: string) => Promise<void>;
  readonly log: Logger;
}

/** The plugins of a host as a registry has them: whether one runs is known to its slot alone. */
class Hosted extends Registry {
  constructor(private readonly isOpen: (name: string) => boolean) {
    super();
  }

  override isRunning(name: string): boolean {
    return this.isOpen(name);
  }
}

/** Which plugins of a host are opened with the server, and who is opened and closed before whom. */
export class Order {
  readonly #parts: OrderParts;
  readonly #registry: Registry;
  /** What is to run as long as the server does. */
  readonly #wanted = new Set<string>();
  /** Why the last attempt to start one of them failed. */
  readonly #errors = new Map<string, unknown>();
  /** Ends the waiting for openings under way. */
  readonly #givesUp = new Set<(error: DlserveError) => void>();
  #delay = FIRST_RETRY;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(parts: OrderParts) {
    this.#parts = parts;
    this.#registry = new Hosted(parts.isOpen);
  }

  /** The plugins that are to run as long as the server does. */
  get wanted(): ReadonlySet<string> {
    return this.#wanted;
  }

  /** Why a wanted plugin does not run, as far as that is known. */
  errorOf(name: string): unknown {
    return this.#errors.get(name);
  }

  /**
   * Opens what a plugin comes after.
   * @throws DlserveError START_BLOCKED
   */
  async before(name: string): Promise<void> {
    const { after } = this.#parts.settings(name);
    if (after.length === 0) return;
    this.#learn(after);
    const open = (earlier: string): Promise<void> =>
      this.#registry.start(earlier).catch((error: unknown) => {
        throw blocked(name, { plugin: earlier, error });
      });
    await Promise.all(after.map(open));
  }

  /**
   * Opens plugins that are to run as long as the server does, and what they come after. One that can't be opened is tried again: after a
   * while, and as soon as what it comes after is there.
   * @returns what went wrong, in no certain order; never rejects
   */
  async start(names: Iterable<string>): Promise<PluginError[]> {
    for (const name of names) this.#wanted.add(name);
    this.#learn(this.#wanted);
    const errors = await this.#registry.startAll();
    for (const { plugin, error } of errors) {
      this.#failed(plugin, error);
      // It was not even looked at: its slot learns why.
      if (error instanceof DlserveError && error.code === 'START_BLOCKED') this.#parts.open(plugin).catch(() => undefined);
    }
    this.#tryLater();
    return errors;
  }

  /** Opens one more plugin that is to run as long as the server does, and what it comes after; it is tried again as the others are. */
  async want(name: string): Promise<void> {
    if (this.#isStopping || (this.#wanted.has(name) && this.#parts.isOpen(name))) return;
    this.#wanted.add(name);
    this.#learn([name]);
    await this.#try(name);
    this.#tryLater();
  }

  /** The file of a plugin is gone. One that is to start with the server is waited for. */
  gone(name: string): void {
    if (!this.#wanted.has(name)) return;
    if (this.#parts.settings(name).start === 'server') void this.want(name);
    else this.#wanted.delete(name);
  }

  /** A plugin is open: those that waited for it are tried again. */
  opened(name: string): void {
    this.#errors.delete(name);
    const { settings } = this.#parts;
    const waits = (other: string): boolean => withPredecessors(settings(other).after, (earlier) => settings(earlier).after).has(name);
    for (const missing of this.#missing()) if (this.#errors.has(missing) && waits(missing)) void this.#try(missing);
  }

  /**
   * Closes every plugin that is open, each before those that it comes after.
   * @param names of those that are open
   * @returns what went wrong; never rejects
   */
  stop(names: Iterable<string>): Promise<PluginError[]> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    for (const giveUp of this.#givesUp) giveUp(new DlserveError('STOPPING'));
    this.#learn(names);
    return this.#registry.stopAll();
  }

  #learn(names: Iterable<string>): void {
    const { settings } = this.#parts;
    for (const name of withPredecessors(names, (other) => settings(other).after)) {
      if (this.#registry.get(name) === undefined) this.#registry.register(this.#hosted(name));
    }
  }

  #hosted(name: string): Plugin {
    const { settings, open, close } = this.#parts;
    return {
      name: () => name,
      after: () => settings(name).after,
      start: () =>
        new Promise((resolve, reject) => {
          this.#givesUp.add(reject);
          open(name).then(() => resolve(), reject).finally(() => this.#givesUp.delete(reject));
        }),
      stop: () => close(name),
    };
  }

  #missing(): string[] {
    return this.#isStopping ? [] : [...this.#wanted].filter((name) => !this.#parts.isOpen(name));
  }

  #failed(plugin: string, error: unknown): void {
    const last = this.#errors.get(plugin);
    this.#errors.set(plugin, error);
    // Each attempt of a plugin that waits for another one is the same.
    if (this.#isStopping || (last !== undefined && messageOf(last) === messageOf(error))) return;
    const code = error instanceof DlserveError ? { code: error.code } : { err: error };
    this.#parts.log.error({ plugin, ...code }, `${plugin} could not be started, and is tried again: ${messageOf(error)}`);
  }

  #tryLater(): void {
    clearTimeout(this.#timer);
    if (this.#missing().length === 0) {
      this.#delay = FIRST_RETRY;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#delay = Math.min(this.#delay * 2, LAST_RETRY);
      void Promise.all(this.#missing().map((name) => this.#try(name))).then(() => this.#tryLater());
    }, this.#delay).unref();
  }

  async #try(name: string): Promise<void> {
    await this.#registry.start(name).catch((error: unknown) => this.#failed(name, error));
  }
}
