import { DlserveError } from '../../ground/errors';
import type { Exchange } from '../../plugin/exchange';
import type { Fault } from '../../plugin/fault';
import type { Death } from './worker';

/** The error of a call that was in its handler when its process ended. */
export function lossError(exchange: Exchange, death: Death): DlserveError {
  if (death.ending === 'close') return new DlserveError('STOPPING');
  const details = { plugin: exchange.request.file, symbol: exchange.handler.symbol, reason: death.exit.words };
  return new DlserveError('PLUGIN_CRASHED', details);
}

/** The calls that were lost with a process; those that had had their time are settled. `again`: those that are made again. */
export function goneWith({ executing, expired, kept }: Death, again: readonly Exchange[]): Exchange[] {
  return [...executing, ...expired, ...kept].filter((exchange) => !again.includes(exchange));
}

/** Of which of a few kinds the end of a process is. */
export function kindOf({ ending }: Death): string {
  return ending === null ? 'a process crashed' : `a process was ended (${ending})`;
}

/** What the log says of the end of a process. */
export function describeDeath(death: Death): string {
  switch (death.ending) {
    case 'timeout': return 'ended: a call took longer than its timeout';
    case 'stall': return 'ended: it had stopped to take calls';
    case 'limit': return 'ended: it took too long to open the plugin';
    case 'fault': return 'ended: it broke the protocol';
    case 'memory': return 'ended: the server has no memory for what it sent';
    case 'close': return `had to be forced to stop: ${death.exit.words}`;
    case null: return describeCrash(death);
  }
}

function describeCrash(death: Death): string {
  if (death.pid === null) return `could not be started: ${death.exit.words}`;
  // One that said itself that it can't open the plugin ends well.
  if (death.refusal !== null && death.exit.status === 0) return `could not be opened again: ${death.refusal.message}`;
  return `crashed: ${death.exit.words}${death.place}`;
}

/** What is found out about a death afterwards. */
export interface Findings {
  readonly plugin: string;
  /** The symbols of its handlers. */
  readonly symbols: readonly string[];
  readonly again: readonly Exchange[];
  readonly sha256: string;
  readonly output: readonly string[];
  readonly stack: readonly string[] | undefined;
}

/** The report of a death. */
export function faultOf(death: Death, { plugin, symbols, again, sha256, output, stack }: Findings): Fault {
  const calls = [...death.executing, ...death.expired, ...death.kept];
  return {
    kind: death.ending === 'timeout' || death.ending === 'stall' ? 'hang' : 'crash',
    at: Date.now(),
    plugin,
    reason: describeDeath(death),
    ...culpritOf(death, symbols),
    calls: calls.map(({ handler, id }) => ({ handler: handler.symbol, request: id })),
    again: again.length === 0 ? undefined : again.map(({ id }) => id),
    pid: death.pid ?? undefined,
    signal: death.exit.signal ?? undefined,
    status: death.exit.status ?? undefined,
    address: death.site?.address,
    stack,
    output,
    sha256,
    age: Math.round(death.age),
  };
}

/** Where only one call was inside, it was that. */
function culpritOf({ ending, culprit, executing, expired }: Death, symbols: readonly string[]): Pick<Fault, 'handler' | 'request'> {
  if (culprit !== null && culprit !== 'elsewhere') return { handler: symbols[culprit.handler], request: culprit.call?.id };
  const suspects = ending === 'timeout' ? expired : [...executing, ...expired];
  if (suspects.length !== 1 || culprit === 'elsewhere') return {};
  return { handler: suspects[0]!.handler.symbol, request: suspects[0]!.id };
}
