import path from 'node:path';
import { DlserveError } from '../../ground/errors';
import { HOST_ABI, type Call, type PluginSource } from '../../contract/runtime';
import type { Exit } from './process';
import { Stage, type Failure } from './protocol';

/** Why a runner was ended by the host. */
export type Ending = 'deadline' | 'stall' | 'fault' | 'limit' | 'close';

/** How a runner came to its end, and what became of its calls. */
export interface Death {
  readonly pid: number | null;
  readonly exit: Exit;
  /** null: it ended by itself. */
  readonly ending: Ending | null;
  /** It was told to stop, and did. */
  readonly stopped: boolean;
  /** How far it had come, see Stage. */
  readonly stage: number;
  /** What it said when it could not open the library. */
  readonly failure: Failure | null;
  /** Calls that had begun and were not answered; those past their deadline are settled already. */
  readonly executing: readonly Call[];
  readonly expired: readonly Call[];
  /** Calls that had not begun, in order. */
  readonly waiting: readonly Call[];
}

/** The error of a plugin that could not be opened. */
export function openError(death: Death, source: PluginSource, limit: number): DlserveError {
  const library = path.basename(source.path);
  const { failure } = death;
  if (failure !== null) {
    switch (failure.stage) {
      case Stage.ABI:
        return new DlserveError('ABI_UNSUPPORTED', { library, abi: failure.detail >>> 0, host: HOST_ABI });
      case Stage.INIT:
        return new DlserveError('INIT_FAILED', { library, reason: failure.words || `it returned ${failure.detail}` });
      default:
        return new DlserveError('LOAD_FAILED', { library, reason: failure.words });
    }
  }
  if (death.pid === null) return new DlserveError('LOAD_FAILED', { library, reason: death.exit.words });
  const reason = death.ending === 'limit' ? `it took longer than ${limit} ms` : `it crashed: ${death.exit.words}`;
  if (death.stage === Stage.INIT) return new DlserveError('INIT_FAILED', { library, reason });
  return new DlserveError('LOAD_FAILED', { library, reason: `${PLACES[death.stage] ?? ''}${reason}` });
}

/** Where a library was that could not say so itself. */
const PLACES: Readonly<Record<number, string>> = {
  [Stage.LOAD]: 'in its constructors, ',
  [Stage.ABI]: 'in PluginABI or PluginConcurrency, ',
};

/** The error of a call that was in its handler when its process ended. */
export function lossError(call: Call, death: Death, source: PluginSource): DlserveError {
  if (death.ending === 'close') return new DlserveError('STOPPING');
  const details = { library: path.basename(source.path), symbol: source.symbols[call.symbol]!, reason: death.exit.words };
  return new DlserveError('PLUGIN_CRASHED', details);
}

/** What the log says of the end of a process. */
export function describeDeath(death: Death): string {
  switch (death.ending) {
    case 'deadline': return 'ended: a call took longer than its deadline';
    case 'stall': return 'ended: it had stopped to take calls';
    case 'limit': return 'ended: it took too long to open the library';
    case 'fault': return 'ended: it broke the protocol';
    case 'close': return `had to be forced to stop: ${death.exit.words}`;
    case null: return describeCrash(death);
  }
}

function describeCrash(death: Death): string {
  if (death.failure !== null) return `could not be opened again: ${death.failure.words || `PluginInit returned ${death.failure.detail}`}`;
  if (death.pid === null) return `could not be opened again: ${death.exit.words}`;
  return `crashed: ${death.exit.words}${where(death)}`;
}

function where(death: Death): string {
  if (death.stage < Stage.SERVE) return ', while it opened the library';
  if (death.stage === Stage.STOP) return ', in PluginStop';
  return death.executing.length + death.expired.length === 0 ? ', while no handler was running' : '';
}
