import { abiUnsupported } from '../../../binary/exports';
import { DlserveError } from '../../../ground/errors';
import type { Exit } from '../process';
import type { Failure } from './greeting';
import { LACKS_STATUS, Stage } from './protocol';

/** How far a runner had come that could not open its library. */
export interface Unopened {
  readonly library: string;
  /** See Stage. */
  readonly stage: number;
  /** What it said itself. */
  readonly failure: Failure | null;
  readonly exit: Exit;
  /** Milliseconds that it had, where it was ended for taking longer. */
  readonly limit: number | null;
}

/** The error of a library that could not be opened. */
export function openError({ library, stage, failure, exit, limit }: Unopened): DlserveError {
  if (failure !== null) return refusalOf(library, failure);
  const reason = limit !== null ? `it took longer than ${limit} ms` : `it crashed: ${exit.words}`;
  if (stage === Stage.INIT) return new DlserveError('INIT_FAILED', { library, reason });
  return new DlserveError('LOAD_FAILED', { library, reason: `${PLACES[stage] ?? ''}${reason}` });
}

function refusalOf(library: string, { stage, detail, words }: Failure): DlserveError {
  switch (stage) {
    case Stage.ABI:
      return abiUnsupported(library, detail >>> 0);
    case Stage.INIT:
      return new DlserveError('INIT_FAILED', { library, reason: words || `it returned ${detail}` });
    default:
      return new DlserveError('LOAD_FAILED', { library, reason: words });
  }
}

/**
 * What the system lacked for a runner; null where that is not why it has ended.
 * @param pid null: there was not even a process
 */
export function lackOf(pid: number | null, stage: number, exit: Exit): string | null {
  if (pid === null) return exit.words;
  return stage === Stage.START && exit.status === LACKS_STATUS ? 'the system gave its process no thread or no memory; the log says which' : null;
}

/** Where a library was that could not say so itself. */
const PLACES: Readonly<Record<number, string>> = {
  [Stage.LOAD]: 'in its constructors, ',
  [Stage.ABI]: 'in PluginABI or PluginConcurrency, ',
};

/**
 * Where a runner was when it ended, for the log.
 * @param calls how many were in their handlers
 */
export function placeOf(stage: number, calls: number): string {
  if (stage < Stage.SERVE) return ', while it opened the library';
  if (stage === Stage.STOP) return ', in PluginStop';
  return calls === 0 ? ', while no handler was running' : '';
}
