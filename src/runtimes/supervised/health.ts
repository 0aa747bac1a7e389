import { DlserveError } from '../../ground/errors';
import type { Exchange } from '../../plugin/exchange';
import type { PluginSource } from '../../plugin/runtime';
import type { Blame } from './blame';
import { CrashRecord } from './crash-record';
import type { SupervisedKeys } from './keys';
import type { PluginLog } from './plugin-log';
import { Quarantine } from './quarantine';
import type { Culprit } from './worker';

/** What rests after the end of a process. */
export interface Rests {
  /** The plugin as a whole. */
  readonly plugin: boolean;
  /** Some handler, by that. */
  readonly handler: boolean;
}

/** How a plugin is, and each of its handlers: who may be called. */
export class Health {
  readonly #crashes: CrashRecord;
  readonly #quarantine: Quarantine;

  constructor(
    private readonly source: PluginSource<SupervisedKeys>,
    private readonly log: PluginLog,
  ) {
    this.#crashes = new CrashRecord(source.settings.own);
    this.#quarantine = new Quarantine(source.handlers.symbols.length, source.settings.own);
  }

  /** Whether the plugin neither rests nor is tried. */
  get isServing(): boolean {
    return this.#crashes.isServing;
  }

  get isResting(): boolean {
    return this.#crashes.isResting;
  }

  /** Milliseconds to wait before a process is replaced. */
  get delay(): number {
    return this.#crashes.delay;
  }

  /** Milliseconds of the plugin's rest that are left. */
  get restLeft(): number {
    return this.#crashes.restLeft;
  }

  /** It is tried how the plugin is, if its rest is over. @returns whether it is */
  beginTrial(): boolean {
    if (!this.#crashes.isResting || this.#crashes.restLeft > 0) return false;
    this.#crashes.beginTrial();
    return true;
  }

  /**
   * Why a call can't be taken now; undefined where it can. After a rest, one at a time may try whether all is well.
   * @param isBusy whether the plugin has other calls
   */
  refusal(exchange: Exchange, isBusy: () => boolean): DlserveError | undefined {
    if (!this.#crashes.isServing) {
      if (this.#crashes.restLeft > 0 || isBusy()) return this.pluginRests();
      if (this.#crashes.isResting) this.#crashes.beginTrial();
    }
    if (this.#quarantine.isEmpty || this.#quarantine.admits(exchange)) return undefined;
    return this.#handlerRests(exchange);
  }

  /** Why a call that was taken is not made after all: its handler has begun to rest; undefined where it has not. */
  heldBack(exchange: Exchange): DlserveError | undefined {
    return this.#quarantine.holds(exchange) ? this.#handlerRests(exchange) : undefined;
  }

  /** Whether some handler rests. */
  get isAnyHeldBack(): boolean {
    return !this.#quarantine.isEmpty;
  }

  answered(exchange: Exchange): void {
    const well = this.#quarantine.answered(exchange);
    if (well) this.log.handlerIsWell(nameOf(exchange));
  }

  /** A worker has answered calls. @returns whether the plugin is well again by that */
  replied(): boolean {
    const isWellAgain = !this.#crashes.isServing;
    this.#crashes.answered();
    return isWellAgain;
  }

  /** The call was not made, or its process has ended by something else. */
  dropped(exchange: Exchange): void {
    if (!this.#quarantine.isEmpty) this.#quarantine.dropped(exchange);
  }

  /** To be called at regular times. */
  pass(): void {
    this.#quarantine.pass();
  }

  /**
   * A process has ended.
   * @param gone calls that have ended with it
   * @param answered whether it had answered any call
   * @param matters whether no other worker is open: else the plugin goes on with that
   */
  judge(blame: Blame, gone: readonly Exchange[], answered: boolean, matters: boolean): Rests {
    let handler = false;
    for (const suspect of blame.suspects) handler = this.#fault(suspect) || handler;
    for (const exchange of gone) this.dropped(exchange);
    if (blame.isExplained) this.#crashes.failed();
    else this.#crashes.crashed(answered, blame.isOwn && matters);
    if (this.#crashes.isResting) this.log.rests(this.#crashes.count);
    return { plugin: this.#crashes.isResting, handler };
  }

  #fault({ handler, call }: Culprit): boolean {
    if (!this.#quarantine.faulted(handler, call)) return false;
    const name = call === undefined ? this.source.handlers.symbols[handler]! : nameOf(call);
    this.log.handlerRests(name, this.#quarantine.restOf(handler, call)!);
    return true;
  }

  pluginRests(): DlserveError {
    const reason = `${this.#crashes.count} of its processes crashed while no call was inside, or could not open it`;
    return resting(this.source.name, reason, this.#crashes.restLeft);
  }

  #handlerRests(exchange: Exchange): DlserveError {
    const { calls, faults, left } = this.#quarantine.restOf(exchange.handler.index, exchange)!;
    return resting(`${nameOf(exchange)} in ${this.source.name}`, `${faults} of its last ${calls} calls crashed or hung`, left);
  }
}

/** What rests where a call's handler does. */
function nameOf({ handler, request: { route } }: Exchange): string {
  return route === undefined ? handler.symbol : route.title;
}

function resting(what: string, reason: string, left: number): DlserveError {
  const seconds = Math.max(1, Math.ceil(left / 1000));
  return new DlserveError('PLUGIN_RESTING', { what, reason }, { headers: { 'Retry-After': String(seconds) } });
}
