import { DlserveError, messageOf } from '../../ground/errors';
import { describeCycle, findCycle } from './graph';
import { isPlugin, type Plugin } from './plugin';
import { unknownPlugin } from './unknown-plugin';

/** What kept a plugin from starting or stopping. */
export interface PluginError {
  readonly plugin: string;
  /** As it was thrown. */
  readonly error: unknown;
}

/** What is under way for a plugin; it never rejects. */
type Outcome = Promise<PluginError | undefined>;

interface Entry {
  readonly plugin: Plugin;
  /** undefined for one that says nothing: it has its turn. */
  readonly after: readonly string[] | undefined;
}

/** Seconds after which what was kept from starting by another plugin may be asked for again. */
const RETRY_AFTER = '5';

/**
 * Plugins that are started and stopped together. One that says what it comes `after` is started as soon as those run, beside others, and
 * not while one of them can't. Those that say nothing are started in turn, as they were registered, whatever became of the one before.
 * They are stopped the other way round.
 *
 * A start or a stop waits for what was begun before it only, so that no two wait for each other.
 */
export class Registry {
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Set<string>();
  readonly #starting = new Map<string, Outcome>();
  readonly #stopping = new Map<string, Outcome>();

  /** @throws DlserveError NAME_TAKEN, or BAD_PLUGIN: it has not the shape of a plugin, or comes after itself */
  register(plugin: Plugin): void {
    if (!isPlugin(plugin)) throw new DlserveError('BAD_PLUGIN', { plugin: 'it', reason: 'it must have name(), start() and stop()' });
    const name: unknown = plugin.name();
    if (typeof name !== 'string' || name === '') throw new DlserveError('BAD_PLUGIN', { plugin: 'it', reason: 'its name() must give a text' });
    if (this.#entries.has(name)) throw new DlserveError('NAME_TAKEN', { name, path: 'a plugin of that name is registered' });
    const after = plugin.after === undefined ? undefined : [...plugin.after()];
    if (after !== undefined && after.length > 0) this.#checkCycle(name, after);
    this.#entries.set(name, { plugin, after });
  }

  #checkCycle(name: string, after: readonly string[]): void {
    const known = Array.from(this.#entries, ([other, entry]) => [other, entry.after ?? []] as const);
    const cycle = findCycle(new Map([[name, after], ...known]));
    if (cycle !== undefined) throw new DlserveError('BAD_PLUGIN', { plugin: name, reason: describeCycle(cycle) });
  }

  /**
   * Forgets a plugin. One that runs is not stopped by it: call `stop` before.
   * @returns whether there was one of that name
   */
  unregister(name: string): boolean {
    this.#running.delete(name);
    return this.#entries.delete(name);
  }

  get(name: string): Plugin | undefined {
    return this.#entries.get(name)?.plugin;
  }

  /** In the order in which they were registered. */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Whether a plugin has been started and not been stopped. */
  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  /**
   * Registers those of some values, such as the exports of a module, that have the shape of a plugin, whatever made them. Others are passed over: so
   * are functions, since a call is no way to find out what somebody's function is for, and plugins that `register` refuses.
   * @returns how many were registered
   */
  discoverFromValues(...values: readonly unknown[]): number {
    const before = this.#entries.size;
    for (const value of values) {
      if (!isPlugin(value)) continue;
      try {
        this.register(value);
      } catch {
        // It is not counted.
      }
    }
    return this.#entries.size - before;
  }

  /**
   * Starts every plugin that does not run.
   * @returns what went wrong, in the order of registration; never rejects
   */
  async startAll(): Promise<PluginError[]> {
    const outcomes = new Map<string, Outcome>();
    let turn: Outcome | undefined;
    for (const name of this.#inTurn()) outcomes.set(name, (turn = this.#start(name, turn)));
    for (const name of this.names()) outcomes.set(name, this.#start(name));
    return errorsOf(this.names().map((name) => outcomes.get(name)!));
  }

  /**
   * Stops every plugin that runs.
   * @returns what went wrong, in the reverse order of registration; never rejects
   */
  async stopAll(): Promise<PluginError[]> {
    let turn: Outcome | undefined;
    for (const name of this.#inTurn().reverse()) turn = this.#stop(name, turn);
    return errorsOf(this.names().reverse().map((name) => this.#stop(name)));
  }

  /**
   * Starts a plugin that does not run, and before it those that it comes after.
   * @throws DlserveError UNKNOWN_PLUGIN, START_BLOCKED; or what its start throws
   */
  async start(name: string): Promise<void> {
    await this.#oneOf(name, () => this.#start(name));
  }

  /**
   * Stops a plugin that runs, and before it those that come after it.
   * @throws DlserveError UNKNOWN_PLUGIN; or what its stop throws
   */
  async stop(name: string): Promise<void> {
    await this.#oneOf(name, () => this.#stop(name));
  }

  async #oneOf(name: string, act: () => Outcome): Promise<void> {
    if (!this.#entries.has(name)) throw unknownPlugin('plugin', name, this.#entries.keys());
    const failed = await act();
    if (failed !== undefined) throw failed.error;
  }

  /** Those that say nothing of others. */
  #inTurn(): string[] {
    return this.names().filter((name) => this.#entries.get(name)!.after === undefined);
  }

  #followersOf(name: string): string[] {
    return this.names().filter((other) => this.#entries.get(other)!.after?.includes(name));
  }

  #start(name: string, turn?: Outcome): Outcome {
    return once(this.#starting, name, () => this.#startNow(name, turn));
  }

  async #startNow(name: string, turn: Outcome | undefined): Outcome {
    const entry = this.#entries.get(name);
    if (entry === undefined) return { plugin: name, error: unknownPlugin('plugin', name, this.#entries.keys()) };
    if (this.isRunning(name) && !this.#stopping.has(name)) return undefined;
    const [earlier] = await Promise.all([Promise.all((entry.after ?? []).map((other) => this.#start(other))), this.#stopping.get(name), turn]);
    const failed = earlier.find((outcome) => outcome !== undefined);
    if (failed !== undefined) return { plugin: name, error: blocked(name, failed) };
    if (this.isRunning(name)) return undefined;
    try {
      await entry.plugin.start();
      if (this.#entries.get(name) === entry) this.#running.add(name);
      return undefined;
    } catch (error) {
      return { plugin: name, error };
    }
  }

  #stop(name: string, turn?: Outcome): Outcome {
    return once(this.#stopping, name, () => this.#stopNow(name, turn));
  }

  async #stopNow(name: string, turn: Outcome | undefined): Outcome {
    const { plugin } = this.#entries.get(name)!;
    await Promise.all([...this.#followersOf(name).map((other) => this.#stop(other)), this.#starting.get(name), turn]);
    if (!this.isRunning(name)) return undefined;
    try {
      await plugin.stop();
      this.#running.delete(name);
      return undefined;
    } catch (error) {
      return { plugin: name, error };
    }
  }
}

/** Begins what is not under way yet. */
function once(underway: Map<string, Outcome>, name: string, begin: () => Outcome): Outcome {
  const known = underway.get(name);
  if (known !== undefined) return known;
  const outcome = begin().finally(() => underway.delete(name));
  underway.set(name, outcome);
  return outcome;
}

/** What is said of a plugin that comes after one that can't be started. */
export function blocked(plugin: string, { plugin: earlier, error }: PluginError): DlserveError {
  const details = { plugin, earlier, reason: messageOf(error) };
  return new DlserveError('START_BLOCKED', details, { cause: error, headers: { 'Retry-After': RETRY_AFTER } });
}

async function errorsOf(outcomes: readonly Outcome[]): Promise<PluginError[]> {
  return (await Promise.all(outcomes)).filter((outcome) => outcome !== undefined);
}
