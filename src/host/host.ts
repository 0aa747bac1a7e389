import { EventEmitter } from 'node:events';
import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { isShortage } from '../ground/shortage';
import { inTime } from '../ground/waiting';
import type { Fault } from '../plugin/fault';
import type { PluginFile, PluginSettings } from '../plugin/runtime';
import type { State } from '../plugin/state';
import { ENDINGS, runtimeOf } from '../runtimes/registry';
import type { Builds } from './builds';
import { findFile } from './find';
import { Slot } from './slot';

/** How soon a failed load is tried again when its file has not changed: the cause may lie elsewhere, in a database say. */
const RETRY_AFTER = 5_000;
/** What a plugin that opens when its host is closed already gets for its PluginStop, at least, in milliseconds. */
const LAST_WORDS = 500;

export interface HostParts {
  readonly pluginpath: string;
  readonly settings: (name: string) => PluginSettings;
  /** The same as they were if its mode was "process". */
  readonly isolated: (name: string) => PluginSettings;
  readonly builds: Builds;
  readonly log: Logger;
}

/** What a host tells of its plugins. */
export interface HostEvents {
  /** A plugin's state has changed. */
  state: [{ readonly plugin: string; readonly state: State; readonly error?: DlserveError | undefined }];
  /** Something went wrong in a plugin. */
  fault: [{ readonly plugin: string; readonly fault: Fault }];
}

/** Which plugins there are, and their state: find, build, open, call, close. */
export class Host extends EventEmitter<HostEvents> {
  readonly #parts: HostParts;
  readonly #slots = new Map<string, Slot>();
  readonly #opening = new Map<string, Promise<Slot>>();
  readonly #demoted = new Map<string, string>();
  #closed: Promise<void> | undefined;
  #closeBy = Infinity;

  constructor(parts: HostParts) {
    super();
    this.#parts = parts;
  }

  /** The plugins that were asked for and have a file, by name. */
  get slots(): ReadonlyMap<string, Slot> {
    return this.#slots;
  }

  /** It is closed, or about to be. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** The plugin of a name, if it is open. */
  find(name: string): Slot | undefined {
    const slot = this.#slots.get(name);
    return slot?.current === undefined || this.#closed !== undefined ? undefined : slot;
  }

  /**
   * The plugin of a name, built and opened on first access, once, however many ask for it meanwhile.
   * @param name has passed checkNames
   * @throws DlserveError LIBRARY_NOT_FOUND, BUILD_FAILED, LOAD_FAILED, ABI_UNSUPPORTED, INIT_FAILED, UNAVAILABLE, STOPPING
   */
  open(name: string): Promise<Slot> {
    if (this.#closed !== undefined) return Promise.reject(new DlserveError('STOPPING'));
    const slot = this.find(name);
    if (slot !== undefined) return Promise.resolve(slot);
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.#load(name).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return opening;
  }

  /** Runs a plugin in mode "process" from now on; what runs in it may end where it is. A minimum, until generations do it. */
  async demote(name: string, reason: string): Promise<void> {
    if (this.#demoted.has(name)) return;
    this.#demoted.set(name, reason);
    this.#parts.log.warn({ plugin: name }, `${name} runs in mode "process" from now on, until its file changes: ${reason}`);
    const slot = this.#slots.get(name);
    this.#slots.delete(name);
    await slot?.close(slot.settings.timeout);
  }

  async #load(name: string): Promise<Slot> {
    const { pluginpath, builds } = this.#parts;
    await builds.wait(name);
    const file = await findFile(pluginpath, name, ENDINGS).catch((error: unknown) => {
      this.#slots.delete(name);
      throw error;
    });
    const slot = this.#slotOf(name);
    slot.file = file;
    const { failure } = slot;
    if (failure?.fingerprint === file.fingerprint && performance.now() < failure.until) throw failure.error;
    slot.failure = undefined;
    try {
      await this.#openInto(slot, file);
      return slot;
    } catch (thrown) {
      const error = isShortage(thrown) ? unavailable(name, thrown) : withoutFolder(thrown, file);
      if (error instanceof DlserveError) {
        slot.failure = { error, fingerprint: file.fingerprint, until: error.status === 500 ? performance.now() + RETRY_AFTER : 0 };
      }
      if (this.#closed === undefined) slot.state = 'failed';
      throw error;
    }
  }

  #slotOf(name: string): Slot {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = new Slot(name, this.#demoted.has(name) ? this.#parts.isolated(name) : this.#parts.settings(name), (changed) => this.#tellState(changed), (faulty, fault) => this.#tellFault(faulty, fault));
      this.#slots.set(name, slot);
    }
    return slot;
  }

  #tellState({ name, state, failure }: Slot): void {
    this.#parts.log.debug({ plugin: name, state }, `${name} is ${state}`);
    this.emit('state', { plugin: name, state, ...(failure && { error: failure.error }) });
  }

  #tellFault({ name }: Slot, fault: Fault): void {
    this.emit('fault', { plugin: name, fault });
  }

  async #openInto(slot: Slot, file: PluginFile): Promise<void> {
    const { log } = this.#parts;
    const { name, settings } = slot;
    const started = performance.now();
    slot.state = 'opening';
    const runtime = runtimeOf(file, settings.mode);
    if (runtime === undefined) {
      throw new DlserveError('BAD_CONFIG', { reason: `${file.base} can't run in mode "${settings.mode}": choose another one for it` });
    }
    const handlers = await runtime.examine(file);
    const instance = await runtime.open({ name, file, handlers, settings, log, observer: slot });
    if (this.#closed !== undefined) {
      await instance.close(Math.max(this.#closeBy - performance.now(), LAST_WORDS));
      throw new DlserveError('STOPPING');
    }
    slot.current = instance;
    slot.generation++;
    slot.state = 'ready';
    log.info({ plugin: name, mode: settings.mode, ms: Math.round(performance.now() - started) }, 'plugin opened');
  }

  /**
   * Closes every plugin; idempotent. Calls under way are finished, new ones refused.
   * @param limit milliseconds for all of it
   */
  close(limit: number): Promise<void> {
    this.#closed ??= this.#close(limit);
    return this.#closed;
  }

  async #close(limit: number): Promise<void> {
    this.#closeBy = performance.now() + limit;
    const underway = [this.#parts.builds.stop(), ...this.#opening.values()];
    await inTime(Promise.allSettled(underway), limit);
    const left = Math.max(this.#closeBy - performance.now(), 0);
    await Promise.all(Array.from(this.#slots.values(), (slot) => slot.close(left)));
  }
}

/** The system is short of something: that is no fault of the plugin's, and the next call tries again. */
function unavailable(plugin: string, cause: unknown): DlserveError {
  if (cause instanceof DlserveError && cause.code === 'UNAVAILABLE') return cause;
  return new DlserveError('UNAVAILABLE', { plugin, reason: messageOf(cause) }, { cause, headers: { 'Retry-After': '1' } });
}

/** Clients are told which file it was, not where. */
function withoutFolder(error: unknown, { path, base }: PluginFile): unknown {
  if (!(error instanceof DlserveError) || !error.message.includes(path)) return error;
  const details = Object.entries(error.details).map(([name, value]) => [name, typeof value === 'string' ? value.replaceAll(path, base) : value] as const);
  return new DlserveError(error.code, Object.fromEntries(details), { cause: error, headers: error.headers });
}
