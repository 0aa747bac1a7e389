import { DlserveError } from '../ground/errors';
import { Conditions } from '../ground/waiting';
import type { Exchange } from '../plugin/exchange';
import type { Fault } from '../plugin/fault';
import type { Observer, PluginFile, PluginSettings } from '../plugin/runtime';
import type { State } from '../plugin/state';
import type { Generation } from './generation';
import type { PrivateCopy } from './private-copy';

/** How soon a failed load is tried again when its file has not changed: the cause may lie elsewhere, in a database say. */
const RETRY_AFTER = 5_000;

/** A failed attempt to open a plugin. */
interface Failure {
  readonly error: DlserveError;
  /** Of the file that was tried. */
  readonly fingerprint: string;
  /** performance.now() from which it is tried again in any case. */
  readonly until: number;
}

/** Why a plugin that was to run in this process runs in one of its own. */
export interface Demotion {
  readonly reason: string;
  /** Of the file that has earned it; undefined where that was not known. */
  readonly fingerprint: string | undefined;
}

/** Whoever hears of a slot. */
export interface SlotOwner {
  stateChanged(slot: Slot): void;
  faulted(slot: Slot, generation: number, fault: Fault): void;
}

/** The place of a plugin in the host. Routes lead here, and ask each time anew for the generation that answers now. */
export class Slot {
  /** The file that was opened, or was tried last, as it stands in pluginpath. */
  file: PluginFile | undefined;
  /** How many times it was opened. */
  generations = 0;
  /** The last ones, the latest first. */
  faults: readonly Fault[] = [];
  /** Why it could not be opened at all. */
  failure: Failure | undefined;
  /** Why what was to replace the current generation could not. */
  trouble: DlserveError | undefined;
  demotion: Demotion | undefined;
  /** Calls are answered with that trouble: its source does not compile, and whoever writes it is to see that. */
  isBlocked = false;
  /** What the generation before the current one ran from. */
  previous: PrivateCopy | undefined;
  /** Generations that are closed and could not be unloaded from the memory of this process. */
  remains = 0;
  /** They finish what they have. */
  readonly draining = new Set<Generation>();
  #current: Generation | undefined;
  #isResting = false;
  /** What is said to calls that come too late; STOPPING unless it was told another. */
  #end: DlserveError | undefined;
  #state: State = 'found';
  readonly #conditions = new Conditions();

  constructor(
    readonly name: string,
    readonly settings: PluginSettings,
    private readonly owner: SlotOwner,
  ) {}

  /** What answers; undefined until it is open. */
  get current(): Generation | undefined {
    return this.#current;
  }

  get state(): State {
    return this.#state;
  }

  set state(state: State) {
    if (this.#state === state) return;
    this.#state = state;
    this.owner.stateChanged(this);
  }

  /** Why it is not as it should be. */
  get reason(): DlserveError | undefined {
    return this.failure?.error ?? this.trouble ?? this.#demoted();
  }

  #demoted(): DlserveError | undefined {
    const { demotion, current } = this;
    if (demotion === undefined || current?.mode !== 'process') return undefined;
    return new DlserveError('DEMOTED', { plugin: this.name, reason: demotion.reason });
  }

  /** Has the state say how the current generation is. */
  settle(): void {
    if (this.#current === undefined || this.#state === 'draining' || this.#state === 'stopped') return;
    if (this.#isResting) this.state = 'resting';
    else this.state = this.reason === undefined ? 'ready' : 'degraded';
  }

  /**
   * A demotion ends where another file is opened than that which has earned it.
   * @param fingerprint of what is to be opened
   */
  reconsider(fingerprint: string): void {
    if (this.demotion === undefined) return;
    if (this.demotion.fingerprint === undefined) this.demotion = { ...this.demotion, fingerprint };
    else if (this.demotion.fingerprint !== fingerprint) this.demotion = undefined;
  }

  /** Whether to open that file failed a moment ago. @throws DlserveError why */
  checkFailure(fingerprint: string): void {
    const { failure } = this;
    if (failure?.fingerprint === fingerprint && performance.now() < failure.until) throw failure.error;
    this.failure = undefined;
  }

  /** It could not be opened. */
  hasFailed(error: DlserveError, fingerprint: string): void {
    this.failure = { error, fingerprint, until: error.status === 500 ? performance.now() + RETRY_AFTER : 0 };
  }

  /** What could not be opened may be another thing now: it is looked at anew. */
  forgetFailure(): void {
    this.failure = undefined;
    if (this.#state === 'failed') this.state = 'found';
  }

  /** Its source compiles, to what is open. */
  compiles(): void {
    if (this.trouble?.code !== 'BUILD_FAILED') return;
    this.trouble = undefined;
    this.isBlocked = false;
    this.settle();
  }

  /** Why it takes no call now; undefined where it does. */
  refusal(): DlserveError | undefined {
    const current = this.#current;
    if (current === undefined || this.#state === 'draining' || this.#state === 'stopped') return this.#end ?? new DlserveError('STOPPING');
    if (this.isBlocked) return this.trouble;
    const { instance } = current;
    const { queue } = this.settings;
    if (instance.outstanding - instance.capacity < queue) return undefined;
    return new DlserveError('OVERLOADED', { plugin: this.name, queue }, { headers: { 'Retry-After': '1' } });
  }

  /** Hands a call to the generation that answers now. */
  call(exchange: Exchange): void {
    const refusal = this.refusal();
    if (refusal === undefined) this.#current!.call(exchange);
    else exchange.fail(refusal);
  }

  /** Whoever observes one generation. */
  observerOf(number: number): Observer {
    return {
      resting: (isResting) => {
        if (this.#current?.number !== number) return;
        this.#isResting = isResting;
        this.settle();
      },
      fault: (fault) => {
        const report = { ...fault, generation: number };
        this.faults = [report, ...this.faults].slice(0, this.settings.faultreports);
        this.owner.faulted(this, number, report);
      },
    };
  }

  /**
   * From now on another generation answers.
   * @returns the last one, which has still to be closed
   */
  swap(next: Generation): Generation | undefined {
    const last = this.#current;
    this.#current = next;
    this.#isResting = false;
    this.failure = this.trouble = undefined;
    this.isBlocked = false;
    if (last !== undefined) this.draining.add(last);
    this.settle();
    return last;
  }

  /**
   * Takes no more calls, for good, and finishes those that it has: {@link close} waits for that.
   * @param end what is said to those that come too late
   */
  retire(end: DlserveError): void {
    this.#end = end;
    if (this.#current === undefined) return;
    this.draining.add(this.#current);
    this.#current = undefined;
    this.state = 'draining';
  }

  /** A generation that drained is closed. */
  drained(generation: Generation, remains: boolean): void {
    this.draining.delete(generation);
    if (remains) this.remains++;
    this.#conditions.changed();
  }

  /** Resolves when no more than so many generations drain. */
  async fewDrain(most: number): Promise<void> {
    await this.#conditions.until(() => this.draining.size <= most, Infinity);
  }

  /** Resolves when no call is under way in a generation that drains. @param grace see {@link Generation.idle} */
  async idle(grace: number): Promise<void> {
    await Promise.all(Array.from(this.draining, (generation) => generation.idle(this.settings.timeout, grace)));
  }

  /** What comes in parts is to end within a limit, in milliseconds. */
  endStreams(limit: number): void {
    for (const generation of this.draining) generation.endStreams(limit);
    this.#current?.endStreams(limit);
  }

  /**
   * Finishes the calls under way, lets go of the plugin and deletes what it ran from.
   * @param limit milliseconds
   */
  async close(limit: number): Promise<void> {
    if (this.#current !== undefined) this.state = 'draining';
    const all = [...this.draining, ...(this.#current === undefined ? [] : [this.#current])];
    await Promise.all(all.map((generation) => generation.close(limit)));
    this.#current = undefined;
    this.state = 'stopped';
    await Promise.all(all.map(({ copy }) => copy.remove()));
    await this.previous?.remove();
  }
}
