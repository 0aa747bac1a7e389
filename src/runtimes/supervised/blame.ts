import type { Exchange } from '../../plugin/exchange';
import type { Culprit, Death } from './worker';

/** Whose doing the end of a process was. */
export interface Blame {
  /** The calls that are held to have caused it, and those that hung in it. */
  readonly suspects: readonly Culprit[];
  /** Calls that were lost with it through no fault of their own. */
  readonly innocent: readonly Exchange[];
  /** Whether the plugin has caused it, rather than somebody from elsewhere. */
  readonly isOwn: boolean;
  /** Whether calls were inside, or at least known to have caused it. */
  readonly isExplained: boolean;
}

/** Signals by which a process ends that has done something wrong; what ends by another one was killed. */
const OWN_SIGNALS = new Set<NodeJS.Signals>(['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGABRT', 'SIGTRAP', 'SIGSYS']);

/** Whether somebody else has killed the process, maybe the system for want of memory. */
export function wasKilled({ ending, exit, culprit }: Death): boolean {
  if (ending !== null) return false;
  return culprit === 'elsewhere' || (culprit === null && exit.signal !== null && !OWN_SIGNALS.has(exit.signal));
}

/**
 * A call that has had its time, or the call whose thread has crashed; where that is not known, all that were inside. They are held to it
 * also where the process was killed, as it may have been for what they took; but then they may try again.
 */
export function blameOf(death: Death): Blame {
  const { ending, executing, expired, culprit } = death;
  const inside = [...executing, ...expired];
  const isExplained = inside.length > 0;
  const hung = suspectsOf(expired);
  if (ending === 'stall') return { suspects: hung, innocent: executing, isOwn: false, isExplained };
  if (ending !== null && ending !== 'fault') return { suspects: hung, innocent: [], isOwn: true, isExplained };
  if (wasKilled(death)) return { suspects: suspectsOf(inside), innocent: executing, isOwn: false, isExplained };
  if (culprit === null || culprit === 'elsewhere') return { suspects: suspectsOf(inside), innocent: [], isOwn: true, isExplained };
  const others = hung.filter(({ call }) => call !== culprit.call);
  return { suspects: [culprit, ...others], innocent: executing.filter((call) => call !== culprit.call), isOwn: true, isExplained: true };
}

function suspectsOf(calls: readonly Exchange[]): Culprit[] {
  return calls.map((call) => ({ handler: call.handler.index, call }));
}

/** Methods of which a request may be made again (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * How often a call is made again at most. Once would not do: where one call in a hundred crashes its process, and several run beside each
 * other, now and then one is lost twice. Endless, a call that is itself what its process is killed for would take one after the other with it.
 */
const MOST = 3;

/** Which calls are made again. */
export class Retries {
  readonly #made = new WeakMap<Exchange, number>();

  /** @param isOn as the operator wants it */
  constructor(private readonly isOn: boolean) {}

  /** Those of the calls that are made again now. */
  of({ innocent }: Blame): Exchange[] {
    if (!this.isOn) return [];
    const made = (call: Exchange): number => this.#made.get(call) ?? 0;
    const again = innocent.filter((call) => IDEMPOTENT.has(call.request.method) && call.isAwaited && call.isWhole && made(call) < MOST);
    for (const call of again) {
      this.#made.set(call, made(call) + 1);
      call.beginAgain();
    }
    return again;
  }
}
