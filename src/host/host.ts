import { EventEmitter } from 'node:events';
import { DlserveError } from '../ground/errors';
import { keepTickShape } from '../ground/tick-shape';
import { inTime } from '../ground/waiting';
import type { Fault } from '../plugin/fault';
import type { PluginError } from '../plugin/lifecycle/registry';
import type { PluginFile } from '../plugin/runtime';
import { ENDINGS } from '../runtimes/registry';
import { findFile } from './find';
import { Order } from './order';
import type { HostEvents, HostParts } from './parts';
import { removeAbandonedCopies } from './private-copy';
import { ANSWERING, readinessOf, type Readiness } from './readiness';
import { DRAIN_GRACE, Replacing } from './replacing';
import { Routes } from './routes';
import { HostServices } from './services/services';
import { Slot } from './slot';
import { Turns } from './turns';

/** What a plugin that opens when its host is closed already gets for its PluginStop, at least, in milliseconds. */
const LAST_WORDS = 500;

/** Which plugins there are, and their lives: find, build, open, call, replace, close. */
export class Host extends EventEmitter<HostEvents> {
  /** The routes of plugins' own, beside those at /_PLUGIN/. */
  readonly routes = new Routes();
  readonly #parts: HostParts;
  readonly #slots = new Map<string, Slot>();
  readonly #opening = new Map<string, Promise<Slot>>();
  /** Those whose file is gone, and that finish what they have. */
  readonly #leaving = new Set<Slot>();
  readonly #turns = new Turns();
  readonly #order: Order;
  readonly #replacing: Replacing;
  #closed: Promise<void> | undefined;
  #closeBy = Infinity;

  constructor(parts: HostParts) {
    super();
    keepTickShape();
    this.#parts = parts;
    void removeAbandonedCopies(parts.pluginpath);
    this.#order = new Order({
      settings: parts.settings,
      isOpen: (name) => this.#slots.get(name)?.current !== undefined,
      open: (name) => this.open(name),
      close: (name) => this.#closeInOrder(name),
      log: parts.log,
    });
    this.#replacing = new Replacing({
      ...parts,
      services: new HostServices({ ...parts, plugins: this }),
      routes: this.routes,
      lastWords: () => (this.#closed === undefined ? undefined : Math.max(this.#closeBy - performance.now(), LAST_WORDS)),
      reloaded: (change) => this.emit('reloaded', change),
    });
    for (const [name, routes] of parts.routes ?? []) this.routes.configure(name, routes);
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
      opening = this.#inTurn(name, () => this.#open(name)).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return opening;
  }

  /**
   * Opens the plugins that are to start with the server, in their order, independent ones at once.
   * @param names of all plugins that there are
   * @returns what went wrong; those are tried again. Never rejects
   */
  start(names: Iterable<string>): Promise<PluginError[]> {
    return this.#order.start([...names].filter((name) => this.#parts.settings(name).start === 'server'));
  }

  /** Opens a plugin that is to run as long as the server does, and tries again where that fails. Never rejects. */
  want(name: string): Promise<void> {
    return this.#order.want(name);
  }

  /** Whether every plugin that is required answers. */
  readiness(): Readiness {
    const plugins = readinessOf({ slots: this.#slots, order: this.#order, ...this.#parts });
    return { ready: this.#closed === undefined && plugins.every(({ ready }) => ready), plugins };
  }

  async #open(name: string): Promise<Slot> {
    const open = this.find(name);
    if (open !== undefined) return open;
    await this.#parts.builds.wait(name);
    const file = await this.#findFile(name);
    const slot = this.#slotOf(name);
    slot.file = file;
    slot.reconsider(file.fingerprint);
    slot.checkFailure(file.fingerprint);
    slot.state = 'opening';
    try {
      await this.#order.before(name);
      await this.#replacing.replace(slot, file);
      return slot;
    } catch (error) {
      if (error instanceof DlserveError) slot.hasFailed(error, file.fingerprint);
      if (this.#closed === undefined) slot.state = 'failed';
      throw error;
    }
  }

  #findFile(name: string): Promise<PluginFile> {
    return findFile(this.#parts.pluginpath, name, ENDINGS).catch((error: unknown) => {
      if (this.#slots.get(name)?.current === undefined) this.#slots.delete(name);
      throw error;
    });
  }

  #slotOf(name: string): Slot {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = new Slot(name, this.#parts.settings(name), {
        stateChanged: (changed) => this.#tellState(changed),
        faulted: (faulty, generation, fault) => this.#heedFault(faulty, generation, fault),
      });
      this.#slots.set(name, slot);
    }
    return slot;
  }

  #tellState({ name, state, reason }: Slot): void {
    this.#parts.log.debug({ plugin: name, state }, `${name} is ${state}`);
    if (ANSWERING.has(state)) this.#order.opened(name);
    this.emit('state', { plugin: name, state, ...(reason && { error: reason }) });
  }

  /** One that holds a thread for longer than it may is put where it can be ended. */
  #heedFault(slot: Slot, generation: number, fault: Fault): void {
    const { name, current, settings } = slot;
    this.emit('fault', { plugin: name, fault });
    if (fault.kind !== 'hang' || current?.number !== generation || current.mode === 'process' || !settings.demote) return;
    const handlers = [...new Set(fault.calls.map(({ handler }) => handler))].join(', ');
    const reason = `${handlers} took longer than its timeout and holds a thread`;
    if (slot.demotion === undefined) this.emit('demoted', { name, reason, fingerprint: current.copy.file.fingerprint });
    void this.demote(name, reason).catch(() => undefined);
  }

  // Another generation.

  /**
   * Opens what is in pluginpath now and has it answer, blue/green: no call is lost. Where that fails the last generation goes on.
   * @param name of a plugin that is open; another one is opened
   * @param how `isForced`: somebody asks for that one, so also where the file has not changed, and a demotion ends
   * @returns the generation that answers then
   * @throws DlserveError as open() does, and TRIAL_FAILED
   */
  reload(name: string, { isForced = true }: { isForced?: boolean } = {}): Promise<number> {
    return this.#inTurn(name, async () => {
      const slot = this.#slots.get(name);
      if (slot?.current !== undefined) return (await this.#replacing.reload(slot, isForced)).number;
      slot?.forgetFailure();
      if (slot !== undefined && isForced) slot.demotion = undefined;
      return (await this.#open(name)).generations;
    });
  }

  /**
   * The file of a plugin may have changed, or whether its source compiles. One that is open is reloaded then, one that is to run as long
   * as the server does is opened; another one is looked at by the next request, whatever came of the last.
   * @throws DlserveError as reload() does
   */
  async changed(name: string): Promise<void> {
    const slot = this.#slots.get(name);
    if (slot?.current !== undefined) {
      await this.reload(name, { isForced: false });
      return;
    }
    slot?.forgetFailure();
    if (this.#order.wanted.has(name) || this.#parts.settings(name).start === 'server') await this.want(name);
  }

  /**
   * Has the generation before answer again, opened anew.
   * @returns the generation that answers then
   * @throws DlserveError BAD_CALL where there is none, and what opening it throws
   */
  rollback(name: string): Promise<number> {
    return this.#inTurn(name, async () => {
      const slot = this.#slots.get(name);
      if (slot?.current !== undefined) return (await this.#replacing.rollback(slot)).number;
      throw new DlserveError('BAD_CALL', { call: 'host.rollback', reason: `${name} is not open` });
    });
  }

  /**
   * Has a plugin run in mode "process" until its file changes, or somebody reloads it; from its opening on where it is not open.
   * @param reason for the log and its state
   * @param fingerprint of the file that has earned it, where that is not open here
   */
  async demote(name: string, reason: string, fingerprint?: string): Promise<void> {
    const slot = this.#slotOf(name);
    if (slot.demotion !== undefined || slot.settings.mode === 'process') return;
    slot.demotion = { reason, fingerprint: slot.current?.copy.file.fingerprint ?? fingerprint ?? slot.file?.fingerprint };
    this.#parts.log.warn({ plugin: name }, `${name} runs in mode "process" from now on, until its file changes: ${reason}`);
    await this.#inTurn(name, () => this.#replacing.demote(slot));
  }

  /** Closes a plugin whose file is gone; the next request looks for it anew, at once. */
  async remove(name: string): Promise<void> {
    const { log } = this.#parts;
    const slot = await this.#inTurn(name, () => Promise.resolve(this.#takeOut(name)));
    if (slot === undefined) return;
    await slot.idle(DRAIN_GRACE);
    await slot.close(slot.settings.timeout + DRAIN_GRACE);
    this.#leaving.delete(slot);
    log.info({ plugin: name }, `${name} is gone`);
  }

  #takeOut(name: string): Slot | undefined {
    const slot = this.#slots.get(name);
    if (slot === undefined) return undefined;
    this.#slots.delete(name);
    this.#leaving.add(slot);
    this.routes.release(name);
    slot.retire(new DlserveError('LIBRARY_NOT_FOUND', { library: slot.file?.base ?? name, hint: '' }));
    this.#order.gone(name);
    return slot;
  }

  #inTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
    return this.#turns.take(name, () => (this.#closed === undefined ? task() : Promise.reject(new DlserveError('STOPPING'))));
  }

  // The end.

  /** The server stops: replies and requests that come in parts are to end within a limit, in milliseconds, also those that begin yet. */
  endStreams(limit: number): void {
    for (const slot of [...this.#slots.values(), ...this.#leaving]) slot.endStreams(limit);
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
    this.endStreams(limit);
    const underway = [this.#parts.builds.stop(), ...this.#turns.underway];
    await inTime(Promise.allSettled(underway), limit);
    // None takes anything new, also while it waits for those that come after it.
    const open = [...this.#slots.values()].filter(({ current }) => current !== undefined);
    for (const slot of open) slot.state = 'draining';
    for (const { plugin, error } of await this.#order.stop(open.map(({ name }) => name))) {
      this.#parts.log.error({ plugin, err: error }, `${plugin} could not be closed`);
    }
    await Promise.all([...this.#slots.values(), ...this.#leaving].map((slot) => slot.close(0)));
    await this.#parts.state.close();
  }

  /** One that others come after has some time also where those have used up all of it. */
  async #closeInOrder(name: string): Promise<void> {
    const hasWaited = [...this.#slots.values()].some(({ settings }) => settings.after.includes(name));
    await this.#slots.get(name)?.close(Math.max(this.#closeBy - performance.now(), hasWaited ? LAST_WORDS : 0));
  }
}
