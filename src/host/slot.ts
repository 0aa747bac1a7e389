import { DlserveError } from '../ground/errors';
import { Conditions } from '../ground/waiting';
import type { Exchange } from '../plugin/exchange';
import type { Fault } from '../plugin/fault';
import type { Instance, Observer, PluginFile, PluginSettings } from '../plugin/runtime';
import type { State } from '../plugin/state';

/** A failed attempt to open a plugin. */
export interface Failure {
  readonly error: DlserveError;
  /** Of the file that was tried. */
  readonly fingerprint: string;
  /** performance.now() from which it is tried again in any case. */
  readonly until: number;
}

/** The place of a plugin in the host. Routes lead here, and ask each time anew for the instance that answers now. */
export class Slot implements Observer {
  /** The file that was opened, or was tried last. */
  file: PluginFile | undefined;
  /** What answers; undefined until it is open. */
  current: Instance | undefined;
  /** How many times it was opened. */
  generation = 0;
  lastFault: Fault | undefined;
  failure: Failure | undefined;
  #state: State = 'found';
  /** Calls that are on their way. */
  #underway = 0;
  readonly #conditions = new Conditions();

  /**
   * @param onState told of each change
   * @param onFault told of each fault
   */
  constructor(
    readonly name: string,
    readonly settings: PluginSettings,
    private readonly onState: (slot: Slot) => void,
    private readonly onFault: (slot: Slot, fault: Fault) => void,
  ) {}

  get state(): State {
    return this.#state;
  }

  set state(state: State) {
    if (this.#state === state) return;
    this.#state = state;
    this.onState(this);
  }

  /** Why it takes no call now; undefined where it does. */
  refusal(): DlserveError | undefined {
    const { current, settings } = this;
    if (current === undefined || this.#state === 'draining' || this.#state === 'stopped') return new DlserveError('STOPPING');
    if (current.outstanding - current.capacity < settings.queue) return undefined;
    return new DlserveError('OVERLOADED', { plugin: this.name, queue: settings.queue }, { headers: { 'Retry-After': '1' } });
  }

  /** Hands a call to the instance that answers now. */
  call(exchange: Exchange): void {
    const refusal = this.refusal();
    if (refusal !== undefined) {
      exchange.fail(refusal);
      return;
    }
    this.#underway++;
    exchange.enter(this.current!, this);
  }

  /** A call has come to its end. @internal */
  left(): void {
    if (--this.#underway === 0) this.#conditions.changed();
  }

  resting(isResting: boolean): void {
    if (this.#state === 'ready' || this.#state === 'resting') this.state = isResting ? 'resting' : 'ready';
  }

  fault(fault: Fault): void {
    this.lastFault = fault;
    this.onFault(this, fault);
  }

  /**
   * Finishes the calls under way and lets go of the plugin.
   * @param limit milliseconds
   */
  async close(limit: number): Promise<void> {
    const instance = this.current;
    if (instance === undefined) {
      this.state = 'stopped';
      return;
    }
    const end = performance.now() + limit;
    this.state = 'draining';
    await this.#conditions.until(() => this.#underway === 0, limit);
    await instance.close(Math.max(end - performance.now(), 0));
    this.current = undefined;
    this.state = 'stopped';
  }
}
