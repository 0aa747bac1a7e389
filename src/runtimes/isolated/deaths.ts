import path from 'node:path';
import { DlserveError } from '../../ground/errors';
import { HOST_ABI, type PluginSource } from '../../contract/runtime';
import { Stage } from './protocol';
import type { Death } from './runner';

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
  const reason = death.ending === 'limit' ? `it took longer than ${limit} ms` : `it crashed: ${death.reason}`;
  if (death.stage === Stage.INIT) return new DlserveError('INIT_FAILED', { library, reason });
  return new DlserveError('LOAD_FAILED', { library, reason: `${PLACES[death.stage] ?? ''}${reason}` });
}

/** Where a library was that could not say so itself. */
const PLACES: Readonly<Record<number, string>> = {
  [Stage.LOAD]: 'in its constructors, ',
  [Stage.ABI]: 'in PluginABI or PluginConcurrency, ',
};

/** What the log says of the end of a runner. */
export function describeDeath(death: Death): string {
  switch (death.ending) {
    case 'deadline': return 'ended: a call took longer than its deadline';
    case 'stall': return 'ended: it had stopped to take calls';
    case 'limit': return 'ended: it took too long to open the library';
    case 'fault': return 'ended: it broke the protocol';
    case 'close': return `had to be forced to stop: ${death.reason}`;
    case null: return `crashed${death.failure === null ? '' : ' on the way back'}: ${death.reason}${where(death)}`;
  }
}

function where(death: Death): string {
  if (death.failure !== null) return `, ${death.failure.words}`;
  if (death.stage < Stage.SERVE) return ', while it opened the library';
  if (death.stage === Stage.STOP) return ', in PluginStop';
  return death.executing.length + death.expired.length === 0 ? ', while no handler was running' : '';
}
